import { plainText } from "#core/telemetry/exposition.ts";

/** What the injector has done since its start, under the names of Dapr's. */
export interface InjectorMetrics {
  requested(): void;
  succeeded(appId: string): void;
  /** `reason`: the annotation at fault, or what else went wrong, in one word. */
  failed(appId: string, reason: string): void;
  /** Prometheus text. */
  text(): string;
}

/** App ids come from whoever makes pods. What is over this is counted together. */
const mostSeries = 500;
const overflow = "__overflow__";
const mostChars = 256;

export function injectorMetrics(certificateEnd: () => number | undefined): InjectorMetrics {
  let requests = 0;
  const succeeded = new Map<string, number>();
  const failed = new Map<string, number>();
  return {
    requested: () => {
      requests++;
    },
    succeeded: (appId) => count(succeeded, [["app_id", appId]]),
    failed: (appId, reason) =>
      count(failed, [
        ["app_id", appId],
        ["reason", reason],
      ]),
    text: () => {
      const end = certificateEnd();
      return [
        plainText(
          `${prefix}_requests_total`,
          "counter",
          "The total number of sidecar injection requests.",
          requests,
        ),
        labelled(
          "succeeded_total",
          "The total number of successful sidecar injections.",
          succeeded,
        ),
        labelled("failed_total", "The total number of failed sidecar injections.", failed),
        end === undefined
          ? ""
          : plainText(
              "outrigger_injector_certificate_expiry_timestamp_seconds",
              "gauge",
              "When the webhook's certificate expires, in seconds since 1970.",
              end / 1000,
            ),
      ].join("");
    },
  };
}
const prefix = "dapr_injector_sidecar_injection";

function count(
  series: Map<string, number>,
  labels: ReadonlyArray<readonly [name: string, value: string]>,
): void {
  let key = labelsText(labels);
  if (!series.has(key) && series.size >= mostSeries)
    key = labelsText(labels.map(([name]) => [name, overflow]));
  series.set(key, (series.get(key) ?? 0) + 1);
}

function labelsText(labels: ReadonlyArray<readonly [name: string, value: string]>): string {
  return labels
    .map(([name, value]) => {
      const escaped = value
        .slice(0, mostChars)
        .toWellFormed()
        .replaceAll("\\", "\\\\")
        .replaceAll('"', '\\"')
        .replaceAll("\n", "\\n");
      return `${name}="${escaped}"`;
    })
    .join(",");
}

function labelled(end: string, help: string, series: ReadonlyMap<string, number>): string {
  const name = `${prefix}_${end}`;
  const lines = [...series].map(([labels, value]) => `${name}{${labels}} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join("")}`;
}
