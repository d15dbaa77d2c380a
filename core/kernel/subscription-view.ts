/** A subscription as `GET /v1.0/metadata` returns it. */
export interface SubscriptionView {
  readonly pubsubname: string;
  readonly topic: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly rules: ReadonlyArray<{ readonly match?: string; readonly path: string }>;
  readonly deadLetterTopic: string;
  readonly type: "DECLARATIVE" | "PROGRAMMATIC" | "STREAMING";
}
