import type { Metadata } from "#core/ports/component.ts";

export interface SubscriptionRoutes {
  /** Tried in order; one without `match` takes every event. */
  readonly rules: ReadonlyArray<{ readonly match?: string; readonly path: string }>;
  readonly default?: string;
}
export interface BulkSubscribe {
  readonly enabled: boolean;
  readonly maxMessagesCount?: number;
  readonly maxAwaitDurationMs?: number;
}
/** What an app wants from one topic: from a Subscription document, or in the app's own words. */
export interface DeclaredSubscription {
  /** Of the document; empty for one that the app asked for itself. */
  readonly name: string;
  readonly pubsubname: string;
  readonly topic: string;
  readonly routes: SubscriptionRoutes;
  /** For the broker, `rawPayload` among it. */
  readonly metadata: Metadata;
  readonly deadLetterTopic?: string;
  readonly bulkSubscribe?: BulkSubscribe;
}
