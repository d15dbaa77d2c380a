import type { ProtoDuration } from "#core/util/protobuf/duration.ts";

/** What becomes of a run that has failed. */
export type FailurePolicy =
  | { readonly kind: "drop" }
  | {
      readonly kind: "constant";
      /** Absent: at once. */
      readonly interval?: ProtoDuration | undefined;
      /** Absent: for ever. */
      readonly maxRetries?: number | undefined;
    };

/** Dapr's scheduler has it for whoever names none. */
export const defaultFailurePolicy: FailurePolicy = {
  kind: "constant",
  interval: { seconds: 1, nanos: 0 },
  maxRetries: 3,
};

/** When a run that has failed so many times, the last time now, is tried again; `undefined`: it is not. */
export function retryAt(policy: FailurePolicy, failures: number, now: number): number | undefined {
  if (policy.kind === "drop") return undefined;
  const { interval = { seconds: 0, nanos: 0 }, maxRetries = Infinity } = policy;
  if (failures > maxRetries) return undefined;
  return now + Math.max(0, Math.ceil(interval.seconds * 1000 + interval.nanos / 1e6));
}
