import { mergeConfigurations } from "#core/resources/configuration.ts";
import type { MetricSettings } from "#core/resources/metrics.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { type AppMetrics, createAppMetrics } from "#core/telemetry/app-metrics.ts";
import { exposition } from "#core/telemetry/exposition.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { type ParsedMetric, parseExposition } from "#test/support/exposition.ts";

/** What a Configuration with this `spec` (YAML) says of metrics. */
export function metricSettings(spec = "{}"): MetricSettings {
  const text = `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: c}\nspec: ${spec}\n`;
  const { documents, problems } = parseDocuments(text, "c.yaml");
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return mergeConfigurations(documents.filter((each) => each.kind === "Configuration")).metrics;
}

/** An app's metrics; a measurement that the catalogue does not have throws. */
export function appMetrics(spec?: string, appId = "app"): AppMetrics {
  return createAppMetrics({
    appId,
    namespace: "ns",
    settings: metricSettings(spec),
    clock: fakeClock(),
    mistake: (text) => {
      throw new Error(text);
    },
  });
}

export function shown(...apps: readonly AppMetrics[]): ReadonlyMap<string, ParsedMetric> {
  return parseExposition([...exposition(apps)].join(""));
}

/** The samples of a metric, without the buckets of a histogram and what `app_id` is. */
export function samplesOf(
  metrics: ReadonlyMap<string, ParsedMetric>,
  name: string,
): ReadonlyArray<readonly [labels: Readonly<Record<string, string>>, value: number]> {
  const metric = metrics.get(name);
  return (metric?.samples ?? [])
    .filter((sample) => sample.name === name || sample.name === `${name}_count`)
    .map(({ labels: { app_id: _, ...labels }, value }) => [labels, value] as const);
}
