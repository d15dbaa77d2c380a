import { describe, expect, test } from "vitest";
import { maxLabelLength, maxSeries, overflowLabel } from "#core/telemetry/family.ts";
import { TupleCache } from "#core/telemetry/tuple-cache.ts";
import { appMetrics, samplesOf, shown } from "./support.ts";

describe("how many series there can be", () => {
  test(`beyond ${maxSeries} of a metric and app, one series takes all the rest`, () => {
    const metrics = appMetrics();
    const sent = maxSeries + 300;
    for (let i = 0; i < sent; i++)
      metrics.count("runtime_service_invocation_req_recv_total", { src_app_id: `app-${i}` });
    const samples = samplesOf(shown(metrics), "dapr_runtime_service_invocation_req_recv_total");
    expect(samples).toHaveLength(maxSeries + 1);
    expect(samples.at(-1)).toEqual([{ src_app_id: overflowLabel }, 300]);
    expect(samples.reduce((sum, [, value]) => sum + value, 0)).toBe(sent);
  });

  test("series that were there before go on counting by themselves", () => {
    const metrics = appMetrics();
    const name = "runtime_service_invocation_req_recv_total";
    metrics.count(name, { src_app_id: "first" });
    for (let i = 0; i < 10 * maxSeries; i++) metrics.count(name, { src_app_id: `app-${i}` });
    metrics.count(name, { src_app_id: "first" });
    expect(samplesOf(shown(metrics), `dapr_${name}`)).toContainEqual([{ src_app_id: "first" }, 2]);
  });

  test("one app's flood is not another app's, and no other metric's", () => {
    const flooded = appMetrics("{}", "one");
    const other = appMetrics("{}", "two");
    for (let i = 0; i < 2 * maxSeries; i++)
      flooded.count("runtime_component_init_total", { component: `c${i}` });
    for (const metrics of [flooded, other])
      metrics.count("runtime_actor_rebalanced_total", { actor_type: "cart" });
    other.count("runtime_component_init_total", { component: "mine" });
    expect(samplesOf(shown(other), "dapr_runtime_component_init_total")).toEqual([
      [{ component: "mine" }, 1],
    ]);
    expect(samplesOf(shown(flooded), "dapr_runtime_actor_rebalanced_total")).toEqual([
      [{ actor_type: "cart" }, 1],
    ]);
  });

  test(`a label value has at most ${maxLabelLength} characters`, () => {
    const metrics = appMetrics();
    metrics.count("runtime_component_init_total", { component: "x".repeat(100_000) });
    const [[labels]] = samplesOf(shown(metrics), "dapr_runtime_component_init_total") as [
      [Record<string, string>, number],
    ];
    expect(labels["component"]).toBe("x".repeat(maxLabelLength));
  });

  test("a rule makes many values one series, however many there are", () => {
    const metrics = appMetrics(`
      metrics:
        rules:
          - name: dapr_runtime_service_invocation_req_recv_total
            labels: [{ name: src_app_id, regex: { "app-{n}": "app-[0-9]+" } }]`);
    for (let i = 0; i < 5000; i++)
      metrics.count("runtime_service_invocation_req_recv_total", { src_app_id: `app-${i}` });
    metrics.count("runtime_service_invocation_req_recv_total", { src_app_id: "other" });
    expect(samplesOf(shown(metrics), "dapr_runtime_service_invocation_req_recv_total")).toEqual([
      [{ src_app_id: "app-{n}" }, 5000],
      [{ src_app_id: "other" }, 1],
    ]);
  });
});

describe("a cache of tuples", () => {
  test("finds what was put in, and nothing else", () => {
    const cache = new TupleCache<number>(10);
    cache.put(["a", "b"], 1);
    cache.put(["a", "c"], 2);
    expect(cache.get(["a", "b"])).toBe(1);
    expect(cache.get(["a", "c"])).toBe(2);
    expect(cache.get(["b", "a"])).toBeUndefined();
  });
  test("forgets all when it is full, and goes on", () => {
    const cache = new TupleCache<number>(3);
    for (let i = 0; i < 4; i++) cache.put([`k${i}`], i);
    expect(cache.get(["k0"])).toBeUndefined();
    expect(cache.get(["k3"])).toBe(3);
  });
});
