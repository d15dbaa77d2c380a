/** One line of an exposition: a series, and its value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
export interface ParsedMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const nameText = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const labelText = `${nameText}="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
const sampleLine = new RegExp(
  `^(${nameText})(?:\\{(${labelText}(?:,${labelText})*)?\\})? (\\+Inf|-Inf|NaN|-?[0-9.]+(?:e[-+]?[0-9]+)?)$`,
);

/** Reads Prometheus' text format 0.0.4 as strictly as Prometheus does, and checks what histograms promise. */
export function parseExposition(text: string): ReadonlyMap<string, ParsedMetric> {
  if (text !== "" && !text.endsWith("\n")) throw new Error("The last line does not end");
  const metrics = new Map<string, ParsedMetric & { readonly samples: Sample[] }>();
  let current: (ParsedMetric & { readonly samples: Sample[] }) | undefined;
  let help: { readonly name: string; readonly text: string } | undefined;
  for (const line of text.split("\n").slice(0, -1)) {
    const helped = /^# HELP (\S+) (.*)$/.exec(line);
    if (helped) {
      help = { name: helped[1] as string, text: helped[2] as string };
      continue;
    }
    const typed = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (typed) {
      const [, name = "", type = ""] = typed;
      if (help?.name !== name) throw new Error(`No HELP before TYPE of ${name}`);
      if (metrics.has(name)) throw new Error(`${name} comes twice`);
      current = { name, type, help: help.text, samples: [] };
      metrics.set(name, current);
      continue;
    }
    const sample = parseSample(line);
    if (!current || !belongs(sample.name, current))
      throw new Error(`A sample outside of its metric: ${line}`);
    const key = identity(sample);
    if (current.samples.some((each) => identity(each) === key))
      throw new Error(`A series twice: ${line}`);
    current.samples.push(sample);
  }
  for (const metric of metrics.values()) if (metric.type === "histogram") checkHistogram(metric);
  return metrics;
}

/** The value of a series, by all of its labels; `undefined` where there is no such series. */
export function valueOf(
  metrics: ReadonlyMap<string, ParsedMetric>,
  sample: string,
  labels: Readonly<Record<string, string>>,
): number | undefined {
  const wanted = identity({ name: sample, labels, value: 0 });
  for (const metric of metrics.values())
    for (const each of metric.samples) if (identity(each) === wanted) return each.value;
  return undefined;
}

function parseSample(line: string): Sample {
  const match = sampleLine.exec(line);
  if (!match) throw new Error(`Not a line of the format: ${JSON.stringify(line)}`);
  const [, name = "", labels = "", number = ""] = match;
  const found: Record<string, string> = {};
  for (const [, label = "", value = ""] of labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (Object.hasOwn(found, label)) throw new Error(`A label twice: ${line}`);
    found[label] = value.replace(/\\(.)/g, (_, escaped: string) =>
      escaped === "n" ? "\n" : escaped,
    );
  }
  const value = Number(number.replace("+Inf", "Infinity").replace("-Inf", "-Infinity"));
  return { name, labels: found, value };
}

function belongs(sample: string, { name, type }: ParsedMetric): boolean {
  return type === "histogram"
    ? [`${name}_bucket`, `${name}_sum`, `${name}_count`].includes(sample)
    : sample === name;
}
function identity({ name, labels }: Sample): string {
  return JSON.stringify([name, sorted(labels)]);
}

function sorted(labels: Sample["labels"]): ReadonlyArray<readonly [string, string]> {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Buckets grow, end in +Inf, and that one is the count. */
function checkHistogram({ name, samples }: ParsedMetric): void {
  const series = new Map<string, number[]>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    const { le, ...labels } = sample.labels;
    const key = JSON.stringify(sorted(labels));
    const before = series.get(key) ?? [];
    series.set(key, [...before, sample.value]);
    if (before.some((value) => value > sample.value)) throw new Error(`${name} falls at ${le}`);
  }
  for (const sample of samples) {
    if (sample.name !== `${name}_count`) continue;
    const buckets = series.get(JSON.stringify(sorted(sample.labels)));
    if (buckets?.at(-1) !== sample.value) throw new Error(`${name}: +Inf is not the count`);
  }
}
