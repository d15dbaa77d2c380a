import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { App, Loaded } from "#core/kernel/app.ts";
import type { Metadata } from "#core/ports/component.ts";
import { pubsubError } from "./errors.ts";

/** The component that a publish names, or the documented refusal: not there and not yours look alike. */
export function findPubsub(
  app: App,
  pubsub: string,
  topic: string,
  metadata: Metadata,
): Loaded<"pubsub"> {
  if (pubsub === "")
    throw pubsubError("ERR_PUBSUB_EMPTY", pubsub, "pubsub name is empty", metadata);
  const loaded = app.component("pubsub", pubsub);
  if (!loaded) {
    const message = whyNotStarted(app, "pubsub", pubsub) ?? `pubsub ${pubsub} is not found`;
    throw pubsubError("ERR_PUBSUB_NOT_FOUND", pubsub, message, metadata);
  }
  if (topic === "")
    throw pubsubError(
      "ERR_TOPIC_NAME_EMPTY",
      pubsub,
      `topic is empty in pubsub ${pubsub}`,
      metadata,
    );
  return loaded;
}

/** Set on a component whose document uses `{namespace}` in its metadata. */
export interface NamespaceScoped {
  readonly namespaceScoped?: boolean;
}
/** The topic as the broker knows it: namespaces share a broker without sharing topics. */
export function brokerTopic(
  component: Loaded<"pubsub"> & NamespaceScoped,
  { namespace }: Pick<App, "namespace">,
  topic: string,
): string {
  return component.namespaceScoped === true ? namespace + topic : topic;
}
