/** Labels of one series, beside `app_id`, which the meter adds itself. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Takes one app's measurements. Names are Dapr's measure names as they stand in the exposition, without the
 * prefix `dapr_` (`resiliency_count`, `runtime_acl_app_policy_action_allowed_total`…). No call throws; a name
 * that the catalogue does not have is a programming error, which the tests find.
 */
export interface Meter {
  /** Adds to a counter; 1 when nothing is said. */
  count(name: string, labels: Labels, by?: number): void;
  /** A counter that is needed often: each call of what it gives adds 1. */
  counter(name: string, labels: Labels): () => void;
  /** One observation of a histogram: milliseconds for latencies, bytes for sizes. */
  record(name: string, labels: Labels, value: number): void;
  /** Sets a gauge. */
  gauge(name: string, labels: Labels, value: number): void;
}
