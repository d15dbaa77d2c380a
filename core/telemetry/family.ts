import type { MetricSpec } from "./catalogue/metric-spec.ts";
import { Counter, Gauge, Histogram, type Series } from "./series.ts";
import { TupleCache } from "./tuple-cache.ts";

/** Series of one metric of one app. Whatever else comes is counted in one more, whose labels all say `overflowLabel`. */
export const maxSeries = 500;
export const overflowLabel = "__overflow__";
/** Characters of a label value; the rest is cut off. */
export const maxLabelLength = 256;

/** Changes a label's value before it counts (`metric.rules`). */
export type Rewrite = (label: string, value: string) => string;

/** All series of one metric of one app. How many there can be is bounded: labels come from callers. */
export class Family {
  readonly spec: MetricSpec;
  readonly #bounds: readonly number[];
  readonly #rewrite: Rewrite | undefined;
  /** By labels as they came; rules may make many of them one series. */
  readonly #found: TupleCache<Series> | undefined;
  readonly #series = new Map<string, Series>();
  #overflow: Series | undefined;

  constructor(spec: MetricSpec, bounds: readonly number[], rewrite: Rewrite | undefined) {
    this.spec = spec;
    this.#bounds = bounds;
    this.#rewrite = rewrite;
    this.#found = spec.labels.length === 0 ? undefined : new TupleCache(4 * maxSeries);
  }
  /** The series with these labels, in the order of `spec.labels`. A caller may keep it. */
  of(labels: readonly string[]): Series {
    if (!this.#found) return this.#only();
    return this.#found.get(labels) ?? this.#found.put(labels, this.#bind(labels));
  }
  get series(): Iterable<Series> {
    const all = this.#series.values();
    return this.#overflow ? [...all, this.#overflow] : all;
  }
  #only(): Series {
    let series = this.#series.get("");
    if (!series) this.#series.set("", (series = this.#make([])));
    return series;
  }
  #bind(given: readonly string[]): Series {
    const labels = given.map((value, i) => this.#label(i, value));
    const key = JSON.stringify(labels);
    const known = this.#series.get(key);
    if (known) return known;
    if (this.#series.size >= maxSeries)
      return (this.#overflow ??= this.#make(labels.map(() => overflowLabel)));
    const series = this.#make(labels);
    this.#series.set(key, series);
    return series;
  }
  #label(index: number, value: string): string {
    const bounded = value.length > maxLabelLength ? value.slice(0, maxLabelLength) : value;
    if (!this.#rewrite || bounded === "") return bounded;
    return this.#rewrite(this.spec.labels[index] as string, bounded).slice(0, maxLabelLength);
  }
  #make(labels: readonly string[]): Series {
    if (this.spec.kind === "counter") return new Counter(labels);
    return this.spec.kind === "gauge" ? new Gauge(labels) : new Histogram(labels, this.#bounds);
  }
}
