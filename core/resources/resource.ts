import type { ComponentDocument } from "./component.ts";
import type { ConfigurationDocument } from "./configuration.ts";
import type { HttpEndpointDocument } from "./http-endpoint.ts";
import type { ResiliencyDocument } from "./resiliency.ts";
import type { SubscriptionDocument } from "./subscription.ts";

/** Where a document stands; documents of a file count from 1. */
export interface Origin {
  readonly file: string;
  readonly document: number;
}
/** What every resource has. */
export interface ResourceHead {
  readonly name: string;
  /** Empty when the document names none. */
  readonly namespace: string;
  /** App ids that may use it; empty means all. */
  readonly scopes: readonly string[];
  readonly origin: Origin;
}
export type Resource =
  | ComponentDocument
  | ConfigurationDocument
  | HttpEndpointDocument
  | ResiliencyDocument
  | SubscriptionDocument;
