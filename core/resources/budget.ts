import { parseQuantity } from "#core/util/quantity.ts";

/** What one app may use of a process that it shares; absent means that nothing is limited. */
export interface BudgetSettings {
  readonly maxConcurrentCalls?: number;
  /** Bytes of request bodies that are being taken in. */
  readonly maxBodyBytesInFlight?: number;
  /** Streams of either wire that stay open: subscriptions, uploads and answers without end, proxied calls. */
  readonly maxOpenStreams?: number;
  /** Share of the event loop's time, in milliseconds a second, where the loop is busy. */
  readonly maxLoopMsPerSecond?: number;
}

const names = {
  "max-concurrent-calls": "maxConcurrentCalls",
  "max-body-bytes-in-flight": "maxBodyBytesInFlight",
  "max-open-streams": "maxOpenStreams",
  "max-loop-ms-per-second": "maxLoopMsPerSecond",
} as const;
const prefix = "outrigger.dev/";

/** Annotations of a Configuration, since Dapr's schema has no place for it: `outrigger.dev/max-concurrent-calls: "100"`. Calls `fault` for a value that is none. */
export function readBudget(
  annotations: Readonly<Record<string, unknown>>,
  fault: (name: string, message: string) => void,
): BudgetSettings {
  const out: { -readonly [K in keyof BudgetSettings]: BudgetSettings[K] } = {};
  for (const [name, field] of Object.entries(names)) {
    const given = annotations[prefix + name];
    if (given === undefined) continue;
    const text = typeof given === "string" ? given.trim() : JSON.stringify(given);
    const value = parseQuantity(text);
    if (value === undefined || value < 1)
      fault(prefix + name, `is "${text}"; make it a whole number from 1, such as 100 or 64Mi`);
    else out[field] = value;
  }
  return out;
}

/** The same for all apps of a process: `OUTRIGGER_BUDGET_MAX_CONCURRENT_CALLS` and so on. Throws for a value that is none. */
export function budgetFromEnv(env: Readonly<Record<string, string | undefined>>): BudgetSettings {
  const given: Record<string, string> = {};
  for (const name of Object.keys(names)) {
    const value = env[`OUTRIGGER_BUDGET_${name.toUpperCase().replaceAll("-", "_")}`];
    if (value !== undefined && value !== "") given[prefix + name] = value;
  }
  return readBudget(given, (name, message) => {
    const variable = name.slice(prefix.length).toUpperCase().replaceAll("-", "_");
    throw new Error(`OUTRIGGER_BUDGET_${variable} ${message}`);
  });
}
