import type { AppMetrics } from "./app-metrics.ts";
import { exposedName, type MetricSpec } from "./catalogue/metric-spec.ts";
import type { Family } from "./family.ts";
import { type Counter, type Gauge, Histogram, type Series } from "./series.ts";

/** The media type of the text. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

export interface ExpositionOptions {
  /** True: series say their app's namespace, too, which tells apart what several namespaces call the same. */
  readonly namespaces?: boolean;
}
interface Owner {
  readonly appId: string;
  readonly namespace: string | undefined;
}

/** The apps' metrics as Prometheus reads them, a piece for each metric that has series, by name. */
export function* exposition(
  apps: readonly AppMetrics[],
  { namespaces = false }: ExpositionOptions = {},
): Generator<string> {
  const byName = new Map<string, Array<Owner & { readonly family: Family }>>();
  for (const app of apps)
    for (const family of app.families()) {
      const name = exposedName(family.spec.name);
      const of = byName.get(name);
      const entry = {
        appId: app.appId,
        namespace: namespaces ? app.namespace : undefined,
        family,
      };
      if (of) of.push(entry);
      else byName.set(name, [entry]);
    }
  for (const [name, families] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    let text = "";
    for (const { family, ...owner } of families)
      for (const series of family.series)
        text += seriesText(name, labelsText(owner, family.spec, series), series);
    const spec = (families[0] as (typeof families)[0]).family.spec;
    if (text !== "") yield head(name, spec.kind, spec.help) + text;
  }
}

/** A metric without labels that is not an app's. */
export function plainText(name: string, kind: string, help: string, value: number): string {
  return `${head(name, kind, help)}${name} ${number(value)}\n`;
}

function head(name: string, kind: string, help: string): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${kind}\n`;
}

/** In the order of their names, as Dapr's exporter writes them. */
function labelsText({ appId, namespace }: Owner, { labels }: MetricSpec, series: Series): string {
  const pairs = labels.map((name, i) => [name, series.labels[i] ?? ""] as const);
  const own = [["app_id", appId] as const];
  if (namespace !== undefined && !labels.includes("namespace"))
    own.push(["namespace", namespace] as never);
  return [...own, ...pairs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escapedLabel(value)}"`)
    .join(",");
}

function seriesText(name: string, labels: string, series: Series): string {
  if (!(series instanceof Histogram)) {
    const { value } = series as Counter | Gauge;
    return `${name}{${labels}} ${number(value)}\n`;
  }
  let text = "";
  let total = 0;
  series.counts.forEach((count, i) => {
    total += count;
    const bound = i < series.bounds.length ? number(series.bounds[i] as number) : "+Inf";
    text += `${name}_bucket{${labels},le="${bound}"} ${number(total)}\n`;
  });
  return `${text}${name}_sum{${labels}} ${number(series.sum)}\n${name}_count{${labels}} ${number(total)}\n`;
}

/** Text from callers: it must not end the label, the line, or the encoding. */
function escapedLabel(value: string): string {
  if (!/["\\\n]|[\ud800-\udfff]/.test(value)) return value;
  return value
    .toWellFormed()
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
