import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { catalogue } from "#core/telemetry/catalogue.ts";
import { exposedName } from "#core/telemetry/catalogue/metric-spec.ts";
import { exposition, plainText } from "#core/telemetry/exposition.ts";
import { parseExposition, valueOf } from "#test/support/exposition.ts";
import { appMetrics, shown } from "./support.ts";

describe("the exposition", () => {
  test("a strict reader gets back what was counted, with the app on every series", () => {
    const metrics = appMetrics();
    metrics.count("resiliency_loaded", { name: "r", namespace: "ns" });
    metrics.count("resiliency_loaded", { name: "r", namespace: "ns" }, 2);
    metrics.gauge("runtime_actor_timers", { actor_type: "cart" }, 7);
    const read = shown(metrics);
    expect(
      valueOf(read, "dapr_resiliency_loaded", { app_id: "app", name: "r", namespace: "ns" }),
    ).toBe(3);
    expect(valueOf(read, "dapr_runtime_actor_timers", { app_id: "app", actor_type: "cart" })).toBe(
      7,
    );
    expect(read.get("dapr_resiliency_loaded")?.type).toBe("counter");
    expect(read.get("dapr_runtime_actor_timers")?.type).toBe("gauge");
  });

  test("a histogram counts each value into every bucket that holds it, times below a millisecond too", () => {
    const metrics = appMetrics();
    for (const ms of [0.25, 1, 1.5, 120_000])
      metrics.record("component_state_latencies", { component: "s", operation: "get" }, ms);
    const labels = { app_id: "app", component: "s", namespace: "", operation: "get", success: "" };
    const at = (suffix: string, le?: string): number | undefined =>
      valueOf(shown(metrics), `dapr_component_state_latencies_${suffix}`, {
        ...labels,
        ...(le === undefined ? {} : { le }),
      });
    expect([at("bucket", "1"), at("bucket", "2"), at("bucket", "100000")]).toEqual([2, 3, 3]);
    expect([at("bucket", "+Inf"), at("count"), at("sum")]).toEqual([4, 4, 120_002.75]);
  });

  test("labels are in the order of their names, those without a value empty", () => {
    const metrics = appMetrics();
    metrics.count("component_pubsub_ingress_bulk_count", { component: "ps", topic: "t" });
    expect([...exposition([metrics])].join("")).toContain(
      'dapr_component_pubsub_ingress_bulk_count{app_id="app",component="ps",namespace="",process_status="",topic="t"} 1\n',
    );
  });

  for (const [what, value] of [
    ["quotes and backslashes", 'a"b\\c'],
    ["the end of a line", "a\nb"],
    ["what looks like the end of a series", '"} 1\nevil{a="'],
    ["other languages", "größe \u{1f600}"],
  ] as const)
    test(`a label with ${what} comes back as it was`, () => {
      const metrics = appMetrics();
      metrics.count("runtime_component_init_total", { component: value });
      expect(
        valueOf(shown(metrics), "dapr_runtime_component_init_total", {
          app_id: "app",
          component: value,
        }),
      ).toBe(1);
    });

  test("half a character is replaced: the text is UTF-8", () => {
    const metrics = appMetrics();
    metrics.count("runtime_component_init_total", { component: "a\ud800" });
    expect([...exposition([metrics])].join("")).toContain('component="a\ufffd"');
  });

  test("several apps stand in one metric, whose head is there once", () => {
    const one = appMetrics("{}", "one");
    const two = appMetrics("{}", "two");
    for (const metrics of [one, two]) metrics.count("runtime_component_loaded", {});
    const samples = shown(one, two).get("dapr_runtime_component_loaded")?.samples;
    expect(samples?.map(({ labels }) => labels["app_id"])).toEqual(["one", "two"]);
  });

  test("a metric that nobody has counted in is not there", () => {
    expect(shown(appMetrics()).size).toBe(0);
  });

  test("a process metric has a head and no labels", () => {
    const read = parseExposition(plainText("process_open_fds", "gauge", "Open\nfiles", 3));
    expect(valueOf(read, "process_open_fds", {})).toBe(3);
  });

  test("a name or a label that the catalogue does not have is a mistake", () => {
    const metrics = appMetrics();
    expect(() => metrics.count("nope", {})).toThrow(/no counter "nope"/);
    expect(() => metrics.record("resiliency_count", {}, 1)).toThrow(/no histogram/);
    expect(() => metrics.count("runtime_component_loaded", { colour: "red" })).toThrow(
      /no label "colour"/,
    );
  });
});

describe("the catalogue", () => {
  test("names each metric once, as Prometheus allows it", () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, labels } of catalogue) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      for (const label of labels) expect(label).toMatch(/^[a-z][A-Za-z0-9_]*$/);
      expect(labels).not.toContain("app_id");
    }
  });

  // A real daprd's: test/conformance/recorded.
  const recorded = readFileSync(
    join(import.meta.dirname, "../../conformance/recorded/metrics.daprd-1.18.txt"),
    "utf8",
  );
  const types = [...recorded.matchAll(/^# TYPE dapr_(\S+) (\w+)$/gm)];
  test("has what a real daprd was seen to show", () => {
    expect(types.length).toBeGreaterThan(20);
  });
  for (const [, name = "", type = ""] of types)
    test(`has ${name} with the kind and the labels that a real daprd shows`, () => {
      const spec = catalogue.find((each) => each.name === name);
      expect(spec?.kind).toBe(type);
      const line = recorded
        .split("\n")
        .find((text) => new RegExp(`^${exposedName(name)}(?:_count)?\\{`).test(text));
      const labels = [...(line ?? "").matchAll(/([A-Za-z_]+)="/g)].map((match) => match[1]);
      // As it comes out, they are in the order of their names.
      expect(new Set(["app_id", ...(spec?.labels ?? [])])).toEqual(new Set(labels));
    });
});
