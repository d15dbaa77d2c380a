import type { AppRef, Clock } from "#core/ports/platform.ts";
import type { MetricSettings } from "#core/resources/metrics.ts";
import { bucketsOf, catalogue } from "./catalogue.ts";
import type { MetricKind, MetricSpec } from "./catalogue/metric-spec.ts";
import { AppCost } from "./cost.ts";
import { Family, type Rewrite } from "./family.ts";
import { type PathLabel, pathLabels } from "./http-path.ts";
import type { Labels, Meter } from "./meter.ts";
import type { Series } from "./series.ts";

/** Everything that is measured of one app. Absent on an app whose metrics are off. */
export interface AppMetrics extends Meter, AppRef {
  readonly settings: MetricSettings;
  /** By which it is measured how long things take. */
  readonly clock: Pick<Clock, "monotonic">;
  readonly pathLabel: PathLabel;
  readonly cost: AppCost;
  /** The series of a metric, for those who keep the ones that they need often. */
  family(name: string): Family;
  /** Those that were asked for so far. */
  families(): Iterable<Family>;
}
export interface AppMetricsOptions extends AppRef {
  readonly settings: MetricSettings;
  readonly clock: Pick<Clock, "monotonic">;
  /** Hears of a measurement that the catalogue does not have: a mistake of ours, not of a caller's. */
  mistake(text: string): void;
}

const specs: ReadonlyMap<string, MetricSpec> = new Map(catalogue.map((spec) => [spec.name, spec]));

/**
 * One app's metrics. Small of its own: prom-client needs Node, has one registry of joined label texts a process,
 * and no bound on how many series there are.
 */
export function createAppMetrics(options: AppMetricsOptions): AppMetrics {
  const { appId, namespace, settings, clock } = options;
  const families = new Map<string, Family>();
  const family = (name: string): Family => {
    let found = families.get(name);
    if (!found) {
      const spec = specs.get(name);
      if (!spec) throw new TypeError(`The catalogue has no metric "${name}"`);
      const bounds = spec.distribution ? bucketsOf(spec.distribution, settings) : [];
      families.set(name, (found = new Family(spec, bounds, rewriteOf(name, settings))));
    }
    return found;
  };
  const seriesOf = (kind: MetricKind, name: string, labels: Labels): Series | undefined => {
    const spec = specs.get(name);
    if (spec?.kind !== kind) {
      options.mistake(`There is no ${kind} "${name}"`);
      return undefined;
    }
    for (const label in labels)
      if (!spec.labels.includes(label)) {
        options.mistake(`The metric "${name}" has no label "${label}"`);
        return undefined;
      }
    return family(name).of(spec.labels.map((label) => labels[label] ?? ""));
  };
  return {
    appId,
    namespace,
    settings,
    clock,
    pathLabel: pathLabels(settings.http),
    cost: new AppCost(family),
    family,
    families: () => families.values(),
    count: (name, labels, by = 1) => seriesOf("counter", name, labels)?.put(by),
    counter: (name, labels) => {
      // Not before the first call: a series is shown from the moment it is there.
      let series: Series | undefined;
      return () => (series ??= seriesOf("counter", name, labels))?.put(1);
    },
    record: (name, labels, value) => seriesOf("histogram", name, labels)?.put(value),
    gauge: (name, labels, value) => seriesOf("gauge", name, labels)?.put(value),
  };
}

/** The rules for one metric; `undefined` where there are none, so that most pay nothing. */
function rewriteOf(name: string, { rules }: MetricSettings): Rewrite | undefined {
  const mine = rules.filter(({ metric }) => metric === name);
  if (mine.length === 0) return undefined;
  return (label, value) => {
    let text = value;
    for (const rule of mine)
      if (rule.label === label) for (const replace of rule.replace) text = replace(text);
    return text;
  };
}
