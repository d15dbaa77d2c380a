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

/** Those of one kind, in their order. */
export function ofKind<K extends Resource["kind"]>(
  resources: readonly Resource[],
  kind: K,
): ReadonlyArray<Extract<Resource, { readonly kind: K }>> {
  return resources.filter((resource) => resource.kind === kind) as never;
}
