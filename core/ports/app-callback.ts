import type { Data, Metadata } from "./component.ts";

/**
 * The purpose of a request from the runtime to its app. The channel of a gRPC app builds its rpcs
 * from this. An HTTP app does not need it, because there the HTTP request itself is the protocol.
 *
 * Each kind corresponds to an rpc of Dapr's `AppCallback` services: `ListTopicSubscriptions`,
 * `OnTopicEvent`, `OnBulkTopicEvent`, `ListInputBindings`, `OnBindingEvent` and `HealthCheck`.
 */
export type AppCallback =
  | { readonly kind: "list-subscriptions" }
  | {
      readonly kind: "topic-event";
      readonly pubsub: string;
      readonly topic: string;
      /** The path as the subscription names it. */
      readonly path: string;
      readonly event: TopicEvent;
    }
  | {
      readonly kind: "bulk-event";
      readonly pubsub: string;
      readonly topic: string;
      /** The path as the subscription names it. */
      readonly path: string;
      readonly entries: readonly BulkEventEntry[];
    }
  | { readonly kind: "binding-probe"; readonly binding: string }
  | { readonly kind: "binding-event"; readonly binding: string; readonly metadata: Metadata }
  | {
      readonly kind: "job-event";
      readonly name: string;
      /** Makes the google.protobuf.Any that the job carries; `undefined`: it carries none. */
      readonly data: (() => { readonly typeUrl: string; readonly value: Uint8Array }) | undefined;
    }
  | { readonly kind: "health" };

/** A parsed CloudEvent. */
export interface TopicEvent {
  /** The attributes of the CloudEvent, by name. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The whole event as JSON, or the bytes of the data if the event is in binary mode. */
  readonly body: Data;
  /** True if `body` is JSON. */
  readonly isJson: boolean;
}
/** An event of a batch; see `BulkMessageEntry` in Dapr's API. */
export interface BulkEventEntry {
  /** Identifies the entry in the app's response. */
  readonly entryId: string;
  /** Media type of the event. */
  readonly contentType: string;
  readonly metadata: Metadata;
  readonly event: TopicEvent;
}
