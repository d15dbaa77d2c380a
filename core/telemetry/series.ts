/** One series: a metric with certain labels. `put` adds to a counter, sets a gauge, observes in a histogram. */
export interface Series {
  /** In the order of the metric's labels. */
  readonly labels: readonly string[];
  put(value: number): void;
}

export class Counter implements Series {
  readonly labels: readonly string[];
  value = 0;
  constructor(labels: readonly string[]) {
    this.labels = labels;
  }
  put(value: number): void {
    // A counter that falls would read as a restart.
    if (value > 0) this.value += value;
  }
}

export class Gauge implements Series {
  readonly labels: readonly string[];
  value = 0;
  constructor(labels: readonly string[]) {
    this.labels = labels;
  }
  put(value: number): void {
    this.value = value;
  }
}

export class Histogram implements Series {
  readonly labels: readonly string[];
  /** Upper bounds. */
  readonly bounds: readonly number[];
  /** Observations per bucket, not added up; the last has no bound. */
  readonly counts: Float64Array;
  sum = 0;
  constructor(labels: readonly string[], bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }
  put(value: number): void {
    if (Number.isNaN(value)) return;
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    counts[bucket] = (counts[bucket] as number) + 1;
    this.sum += value;
  }
}
