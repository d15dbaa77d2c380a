import type { Data, Metadata } from "./component.ts";

/**
 * What a request of the runtime to its app is about. An HTTP app needs none of it: the request itself is the
 * protocol. The channel of an app that speaks another one makes its calls from this.
 */
export type AppCallback =
  | { readonly kind: "list-subscriptions" }
  | {
      readonly kind: "topic-event";
      readonly pubsub: string;
      readonly topic: string;
      /** As the subscription names it. */
      readonly path: string;
      readonly event: TopicEvent;
    }
  | {
      readonly kind: "bulk-event";
      readonly pubsub: string;
      readonly topic: string;
      readonly path: string;
      readonly entries: readonly BulkEventEntry[];
    }
  | { readonly kind: "binding-probe"; readonly binding: string }
  | { readonly kind: "binding-event"; readonly binding: string; readonly metadata: Metadata }
  | { readonly kind: "health" };

/** An event as it was read. */
export interface TopicEvent {
  /** Its attributes. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** The event as JSON, or the bytes of one in binary mode. */
  readonly body: Data;
  readonly isJson: boolean;
}
export interface BulkEventEntry {
  readonly entryId: string;
  readonly contentType: string;
  readonly metadata: Metadata;
  readonly event: TopicEvent;
}
