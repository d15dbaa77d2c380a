import type { ComponentDocument } from "./component.ts";
import type { ConfigurationDocument } from "./configuration.ts";
import type { HttpEndpointDocument } from "./http-endpoint.ts";
import type { ResiliencyDocument } from "./resiliency.ts";
import type { SubscriptionDocument } from "./subscription.ts";

/** Any document that the runtime reads. */
export type Resource =
  | ComponentDocument
  | ConfigurationDocument
  | HttpEndpointDocument
  | ResiliencyDocument
  | SubscriptionDocument;
