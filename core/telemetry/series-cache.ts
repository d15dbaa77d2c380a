import type { AppMetrics } from "./app-metrics.ts";
import { maxSeries } from "./family.ts";

/** What is made of an app's metrics and a label, for those who need it with every call: found again without a look at the families. */
export function seriesCache<T>(
  make: (metrics: AppMetrics, label: string) => T,
): (metrics: AppMetrics, label: string) => T {
  const apps = new WeakMap<AppMetrics, (label: string) => T>();
  return (metrics, label) => {
    let find = apps.get(metrics);
    if (!find) apps.set(metrics, (find = cachedByLabel((text) => make(metrics, text))));
    return find(label);
  };
}

/** Makes what belongs to a label once; forgets everything when there are too many, since labels come from callers. */
export function cachedByLabel<T>(make: (label: string) => T): (label: string) => T {
  const found = new Map<string, T>();
  return (label) => {
    let value = found.get(label);
    if (value === undefined) {
      if (found.size >= maxSeries) found.clear();
      found.set(label, (value = make(label)));
    }
    return value;
  };
}
