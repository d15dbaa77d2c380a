import { describe, expect, it } from "vitest";
import type { Kind } from "#core/ports/manifest.ts";
import type { Log } from "#core/ports/platform.ts";
import { createResiliency, type Resiliency } from "#core/resiliency/policies.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";
import type { Meter } from "#core/telemetry/meter.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { silent } from "../api.ts";

const free = { signal: new AbortController().signal };

function resiliency(
  specs: readonly object[],
  clock: FakeClock = fakeClock(),
  meter?: Meter,
  log: Log = silent,
): Resiliency {
  const documents = specs.map((spec, i) => {
    const text = JSON.stringify({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Resiliency",
      metadata: { name: `r${i}` },
      spec,
    });
    const { documents: found, problems } = parseDocuments(text, "r.yaml");
    expect(problems.map(problemText)).toEqual([]);
    if (found[0]?.kind !== "Resiliency") throw new Error("no Resiliency");
    return found[0];
  });
  return createResiliency(documents, { clock, log, namespace: "ns", meter });
}
const retries = (maxRetries: number): object => ({
  policy: "constant",
  duration: "10ms",
  maxRetries,
});
/** How often something that always fails is tried. */
async function tries(
  guard: Resiliency["app"] extends (...args: never[]) => infer G ? G : never,
  clock: FakeClock,
): Promise<number> {
  let count = 0;
  const run = async (): Promise<never> => {
    count++;
    throw new Error("down");
  };
  const done = (guard ? guard(run, free) : run()).catch(() => {});
  await clock.advance(10_000);
  await done;
  return count;
}

describe("targets", () => {
  it("have the policies that they name", async () => {
    const clock = fakeClock();
    const made = resiliency(
      [
        {
          policies: { retries: { two: retries(2), five: retries(5) } },
          targets: {
            apps: { cart: { retry: "two" } },
            components: { store: { outbound: { retry: "five" } } },
          },
        },
      ],
      clock,
    );
    expect(await tries(made.app("cart", "add"), clock)).toBe(3);
    expect(await tries(made.component("store", "state", "outbound"), clock)).toBe(6);
    expect(made.component("store", "state", "inbound")).toBeUndefined();
    expect(made.app("other", "x")).toBeUndefined();
    expect(made.namesApp("cart")).toBe(true);
    expect(made.repeatsApp("cart")).toBe(true);
    expect(made.repeatsApp("other")).toBe(false);
  });
  it.each([
    ["app", "DefaultAppRetryPolicy", 3],
    ["app", "DefaultRetryPolicy", 3],
    ["app", "DefaultComponentRetryPolicy", 1],
    ["state", "DefaultStatestoreComponentOutboundRetryPolicy", 3],
    ["state", "DefaultStatestoreComponentRetryPolicy", 3],
    ["state", "DefaultComponentOutboundRetryPolicy", 3],
    ["state", "DefaultComponentRetryPolicy", 3],
    ["state", "DefaultRetryPolicy", 3],
    ["state", "DefaultStatestoreComponentInboundRetryPolicy", 1],
    ["pubsub", "DefaultPubsubComponentOutboundRetryPolicy", 3],
    ["bindings.output", "DefaultBindingComponentOutboundRetryPolicy", 3],
    ["secretstores", "DefaultSecretstoreComponentOutboundRetryPolicy", 3],
    ["conversation", "DefaultConversationComponentOutboundRetryPolicy", 3],
  ] as const)("%s has %s where it has no entry: %d tries", async (kind, name, wanted) => {
    const clock = fakeClock();
    const made = resiliency(
      [{ policies: { retries: { [name]: retries(2) } }, targets: {} }],
      clock,
    );
    const guard =
      kind === "app" ? made.app("a", "m") : made.component("c", kind as Kind, "outbound");
    expect(await tries(guard, clock)).toBe(wanted);
  });
  it("take the most special default", async () => {
    const clock = fakeClock();
    const policies = {
      retries: {
        DefaultRetryPolicy: retries(1),
        DefaultComponentRetryPolicy: retries(2),
        DefaultComponentOutboundRetryPolicy: retries(3),
        DefaultStatestoreComponentRetryPolicy: retries(4),
        DefaultStatestoreComponentOutboundRetryPolicy: retries(5),
      },
    };
    const made = resiliency([{ policies, targets: {} }], clock);
    expect(await tries(made.component("s", "state", "outbound"), clock)).toBe(6);
    expect(await tries(made.component("s", "state", "inbound"), clock)).toBe(5);
    expect(await tries(made.component("p", "pubsub", "outbound"), clock)).toBe(4);
    expect(await tries(made.component("p", "pubsub", "inbound"), clock)).toBe(3);
    expect(await tries(made.app("a", "m"), clock)).toBe(2);
  });
  it("with any entry use nothing of the defaults", async () => {
    const clock = fakeClock();
    const made = resiliency(
      [
        {
          policies: { retries: { DefaultRetryPolicy: retries(2) }, timeouts: { long: "1h" } },
          targets: { apps: { a: { timeout: "long" } }, components: { c: { outbound: {} } } },
        },
      ],
      clock,
    );
    expect(await tries(made.app("a", "m"), clock)).toBe(1);
    expect(made.component("c", "state", "outbound")).toBeUndefined();
    expect(made.component("c", "state", "inbound")).toBeUndefined();
  });
  it("of several documents: a later name takes an earlier one's place", async () => {
    const clock = fakeClock();
    const made = resiliency(
      [
        { policies: { retries: { r: retries(1) } }, targets: { apps: { a: { retry: "r" } } } },
        { policies: { retries: { r: retries(4) } }, targets: {} },
      ],
      clock,
    );
    expect(await tries(made.app("a", "m"), clock)).toBe(5);
  });
});

describe("built-in policies", () => {
  it.each([
    [1, 4],
    [7, 8],
  ])("asked for %d retries make %d tries", async (asked, wanted) => {
    const clock = fakeClock();
    const name = "DaprBuiltInInitializationRetries";
    const made = resiliency(
      [{ policies: { retries: { [name]: retries(asked) } }, targets: {} }],
      clock,
    );
    expect(await tries(made.builtIn(name), clock)).toBe(wanted);
  });
  it("for lost actors cannot be changed", async () => {
    const clock = fakeClock();
    const name = "DaprBuiltInActorNotFoundRetries";
    const made = resiliency(
      [{ policies: { retries: { [name]: retries(9) } }, targets: {} }],
      clock,
    );
    expect(await tries(made.builtIn(name), clock)).toBe(6);
  });
});

describe("breakers", () => {
  const policies = { circuitBreakers: { cb: { trip: "consecutiveFailures > 1", timeout: "1h" } } };
  const fail = (): Promise<never> => Promise.reject(new Error("down"));
  const open = async (guard: ReturnType<Resiliency["app"]>): Promise<boolean> => {
    const reason = await guard?.(fail, free).catch((caught: unknown) => caught);
    return (reason as Error).message === "circuit breaker is open";
  };
  it("are one for each endpoint of an app, and the oldest goes when there are too many", async () => {
    const made = resiliency([
      { policies, targets: { apps: { a: { circuitBreaker: "cb", circuitBreakerCacheSize: 2 } } } },
    ]);
    for (let i = 0; i < 2; i++)
      await made
        .app("a", "one")?.(fail, free)
        .catch(() => {});
    expect(await open(made.app("a", "one"))).toBe(true);
    expect(await open(made.app("a", "two"))).toBe(false);
    await open(made.app("a", "three"));
    expect(await open(made.app("a", "one"))).toBe(false);
  });
  it("are shared by both directions of a component, and say when they open", async () => {
    const both = { circuitBreaker: "cb" };
    const log = keptLog();
    const spec = { policies, targets: { components: { c: { inbound: both, outbound: both } } } };
    const made = resiliency([spec], fakeClock(), undefined, log);
    for (let i = 0; i < 2; i++)
      await made
        .component(
          "c",
          "pubsub",
          "inbound",
        )?.(fail, free)
        .catch(() => {});
    expect(await open(made.component("c", "pubsub", "outbound"))).toBe(true);
    expect(log.of("info")).toEqual(['Circuit breaker "cb-c" changed state from closed to open']);
  });
  it.each([
    ["type", true],
    ["id", false],
    ["both", false],
  ])("of actors with scope %s are shared by ids: %s", async (circuitBreakerScope, shared) => {
    const made = resiliency([
      { policies, targets: { actors: { T: { circuitBreaker: "cb", circuitBreakerScope } } } },
    ]);
    for (let i = 0; i < 2; i++)
      await made
        .actorBefore("T", "1")?.(fail, free)
        .catch(() => {});
    expect(await open(made.actorBefore("T", "1"))).toBe(true);
    expect(await open(made.actorBefore("T", "2"))).toBe(shared);
  });
  it.each([
    ["cannot be read refuses the document", "nothing >", 0],
    ["names no count is told, and never opens", "nothing > 1", 1],
  ])("whose condition %s", (_, trip, wanted) => {
    const spec = { policies: { circuitBreakers: { cb: { trip } } }, targets: {} };
    const { documents, problems } = parseDocuments(
      JSON.stringify({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Resiliency",
        metadata: { name: "r" },
        spec,
      }),
      "r.yaml",
    );
    expect(documents).toHaveLength(wanted);
    expect(problems.map(problemText).join()).toContain("circuitBreakers.cb.trip");
  });
});

describe("what policies do", () => {
  it("is counted", async () => {
    const seen: string[] = [];
    const note =
      (what: string) =>
      (name: string, labels: Readonly<Record<string, string>>, by = 1): void =>
        void seen.push(`${what} ${name} ${Object.values(labels).join("|")} ${by}`);
    const meter: Meter = {
      count: note("count"),
      counter: (name, labels) => () => note("count")(name, labels),
      record: note("record"),
      gauge: note("gauge"),
    };
    const clock = fakeClock();
    const made = resiliency(
      [
        {
          policies: {
            retries: { r: retries(1) },
            timeouts: { t: "1h" },
            circuitBreakers: { cb: { trip: "consecutiveFailures > 1", timeout: "1h" } },
          },
          targets: { apps: { a: { retry: "r", timeout: "t", circuitBreaker: "cb" } } },
        },
      ],
      clock,
      meter,
    );
    await tries(made.app("a", "m"), clock);
    expect(seen).toEqual([
      "count resiliency_loaded r0|ns 1",
      "gauge resiliency_cb_state r0|circuitbreaker|ns|outbound|app_a|closed 1",
      "gauge resiliency_cb_state r0|circuitbreaker|ns|outbound|app_a|half-open 0",
      "gauge resiliency_cb_state r0|circuitbreaker|ns|outbound|app_a|open 0",
      "count resiliency_count r0|retry|ns|outbound|app_a| 1",
      "count resiliency_count r0|circuitbreaker|ns|outbound|app_a|closed 1",
      "count resiliency_count r0|timeout|ns|outbound|app_a| 1",
      "count resiliency_activations_total r0|retry|ns|outbound|app_a| 1",
      "count resiliency_count r0|circuitbreaker|ns|outbound|app_a|closed 1",
      "count resiliency_count r0|timeout|ns|outbound|app_a| 1",
      "count resiliency_activations_total r0|circuitbreaker|ns|outbound|app_a|open 1",
      "gauge resiliency_cb_state r0|circuitbreaker|ns|outbound|app_a|closed 0",
      "gauge resiliency_cb_state r0|circuitbreaker|ns|outbound|app_a|half-open 0",
      "gauge resiliency_cb_state r0|circuitbreaker|ns|outbound|app_a|open 1",
    ]);
  });
});
