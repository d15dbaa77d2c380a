import { linearReplace, type Replace } from "#core/util/linear-replace.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { parseDuration } from "#core/util/duration.ts";
import { isRecord } from "#core/util/json.ts";
import type { Fields } from "./fields.ts";

/** Buckets of latencies where no Configuration says otherwise, in milliseconds. */
export const defaultLatencyBuckets: readonly number[] = [
  1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30, 40, 50, 65, 80, 100, 130, 160, 200, 250, 300, 400,
  500, 650, 800, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000,
];

/** What a Configuration says of metrics; `metric` and `metrics` taken together, defaults filled in. */
export interface MetricSettings {
  readonly enabled: boolean;
  /** True: `error_code_total` counts. */
  readonly recordErrorCodes: boolean;
  /** Milliseconds, ascending. */
  readonly latencyBuckets: readonly number[];
  readonly workflowLatencyBuckets: readonly number[];
  readonly http: {
    /** True: paths are labels even where no pattern takes them. */
    readonly increasedCardinality: boolean;
    readonly pathMatching: readonly string[];
    readonly excludeVerbs: boolean;
  };
  readonly rules: readonly MetricRule[];
}
/** Changes one label of one metric. */
export interface MetricRule {
  /** Without the prefix `dapr_`. */
  readonly metric: string;
  readonly label: string;
  /** One after the other. */
  readonly replace: readonly Replace[];
}

/** Each field that stands under `metrics` takes the place of the one under `metric`. */
export function readMetrics(spec: Fields): MetricSettings {
  const under = spec.fields("metric");
  const over = spec.fields("metrics");
  const pick = (field: string): Fields => {
    const isUnder = under.has(field);
    return over.has(field) || !isUnder ? over : under;
  };
  const http = pick("http").fields("http");
  const latencyBuckets = readBuckets(pick("latencyDistributionBuckets"), 1);
  const workflow = pick("workflow").fields("workflow");
  const shared = latencyBuckets ?? defaultLatencyBuckets;
  const settings = {
    enabled: pick("enabled").boolean("enabled") ?? true,
    recordErrorCodes: pick("recordErrorCodes").boolean("recordErrorCodes") ?? false,
    latencyBuckets: shared,
    workflowLatencyBuckets: readBuckets(workflow, unitMs(workflow)) ?? shared,
    http: {
      increasedCardinality: http.boolean("increasedCardinality") ?? true,
      pathMatching: http.texts("pathMatching"),
      excludeVerbs: http.boolean("excludeVerbs") ?? false,
    },
    rules: pick("rules").list("rules").flatMap(readRule),
  };
  for (const fields of [under, over, workflow, http]) fields.done();
  return settings;
}

function readBuckets(fields: Fields, scale: number): readonly number[] | undefined {
  const name = "latencyDistributionBuckets";
  const texts = fields.texts(name);
  const bounds = texts.map((text) => Number(text) * scale);
  if (bounds.some((bound) => !Number.isFinite(bound))) {
    fields.error(name, "must be numbers");
    return undefined;
  }
  // A bound of 0 would be a bucket that nothing can be in.
  const positive = [...new Set(bounds)].filter((bound) => bound > 0).sort((a, b) => a - b);
  return positive.length > 0 ? positive : undefined;
}

/** Go reads a bare number as nanoseconds. */
function unitMs(fields: Fields): number {
  const text = fields.text("latencyDistributionUnits");
  if (text === undefined) return 1;
  const ms = /^\d+$/.test(text) ? Number(text) / 1e6 : (parseDuration(text) ?? 0);
  if (ms > 0) return ms;
  fields.error("latencyDistributionUnits", `is "${text}"; make it a duration like 1ms`);
  return 1;
}

function readRule(rule: Fields): readonly MetricRule[] {
  const metric = rule.required("name").replace(/^dapr_/, "");
  const rules = rule.list("labels").map((label): MetricRule => {
    const name = label.required("name");
    const regex = label.raw("regex");
    const replace: Replace[] = [];
    for (const [replacement, pattern] of Object.entries(isRecord(regex) ? regex : {}))
      try {
        replace.push(linearReplace(String(pattern), replacement));
      } catch (reason) {
        label.error("regex", `"${String(pattern)}" cannot be read: ${messageOf(reason)}`);
      }
    label.done();
    return { metric, label: name, replace };
  });
  rule.done();
  return rules;
}
