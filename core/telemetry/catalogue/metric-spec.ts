export type MetricKind = "counter" | "gauge" | "histogram";
/** Upper bounds of a histogram's buckets: milliseconds, bytes, parts of a limit. */
export type Distribution = "latency" | "workflow-latency" | "size" | "ratio";

/** A metric: what it is called, and what it says. */
export interface MetricSpec {
  /**
   * As Dapr's measure stands in the exposition, without the prefix `dapr_`; our own have
   * `outrigger_`, and no other prefix.
   */
  readonly name: string;
  readonly kind: MetricKind;
  /** Beside `app_id`, which every series has. */
  readonly labels: readonly string[];
  /** Of histograms. */
  readonly distribution?: Distribution;
  readonly help: string;
}

type Make = (name: string, labels: string, help: string) => MetricSpec;

/** Labels are given with spaces between them. */
export const counter: Make = (name, labels, help) => make(name, "counter", labels, help);
export const gauge: Make = (name, labels, help) => make(name, "gauge", labels, help);
export const latency: Make = (name, labels, help) => histogram(name, "latency", labels, help);
export const size: Make = (name, labels, help) => histogram(name, "size", labels, help);
export const ratio: Make = (name, labels, help) => histogram(name, "ratio", labels, help);
export const workflowLatency: Make = (name, labels, help) =>
  histogram(name, "workflow-latency", labels, help);

function make(name: string, kind: MetricKind, labels: string, help: string): MetricSpec {
  return { name, kind, labels: labels === "" ? [] : labels.split(" "), help };
}
function histogram(
  name: string,
  distribution: Distribution,
  labels: string,
  help: string,
): MetricSpec {
  return { ...make(name, "histogram", labels, help), distribution };
}

/** The name of a metric in the exposition. */
export function exposedName(name: string): string {
  return name.startsWith("outrigger_") ? name : `dapr_${name}`;
}
