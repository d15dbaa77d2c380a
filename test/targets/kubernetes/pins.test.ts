import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "#core/ports/platform.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { noPins, type Pins, watchPins } from "#targets/kubernetes/supervisor/pins.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { type FakeClock, fakeClock } from "#test/support/fake-clock.ts";
import { keptLog, type KeptLog } from "#test/support/kept-log.ts";

const dayMs = 24 * 3600 * 1000;
let api: KubeApiDouble;
let clock: FakeClock;
let stop: AbortController;
let changed: string[];
let log: KeptLog;
let client: ReturnType<typeof openClient>;

beforeEach(async () => {
  api = await kubeApi();
  clock = fakeClock(Date.UTC(2026, 0, 1));
  stop = new AbortController();
  changed = [];
  log = keptLog();
  client = openClient(api.access());
});
afterEach(async () => {
  stop.abort();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

function namespace(name: string, annotations: Readonly<Record<string, string>>): void {
  api.put({ apiVersion: "v1", kind: "Namespace", metadata: { name, annotations } });
}
const pinned = (version: string, until?: string): Record<string, string> => ({
  "outrigger.dev/version-pin": version,
  ...(until === undefined ? {} : { "outrigger.dev/version-pin-until": until }),
});
async function watch(of: Clock = clock): Promise<Pins> {
  const deps = { log, clock: of, signal: stop.signal };
  const pins = watchPins(client, (name) => changed.push(name), deps);
  await pins.synced;
  changed.length = 0;
  // The list is there; what is put from here on comes by the watch.
  await eventually(() => api.watches.length > 0);
  return pins;
}

describe("a namespace that is pinned to a version", () => {
  it("has that one until the annotation is taken away", async () => {
    namespace("shop", pinned("1.2.0"));
    namespace("bank", {});
    const pins = await watch();
    expect([pins.of("shop"), pins.of("bank"), pins.of("nowhere")]).toEqual(["1.2.0", "", ""]);
    namespace("shop", {});
    await eventually(() => changed.length > 0);
    expect([pins.of("shop"), changed]).toEqual(["", ["shop"]]);
  });
  it("has the present one again once its time is over, wherever that is said", async () => {
    namespace("shop", pinned("1.2.0", "2026-01-01T01:30:00+01:00"));
    const pins = await watch();
    await clock.advance(30 * 60_000 - 1);
    expect([pins.of("shop"), changed]).toEqual(["1.2.0", []]);
    await clock.advance(1);
    expect([pins.of("shop"), changed]).toEqual(["", ["shop"]]);
  });
  it("has it also where that is longer away than a timer can be", async () => {
    namespace("shop", pinned("1.2.0", "2026-04-01T00:00:00Z"));
    // Days of a watch that is quiet are many connections; the pin's timers alone are of interest.
    const after: Clock["after"] = (ms, run) => (ms > dayMs ? clock.after(ms, run) : () => {});
    const sleep: Clock["sleep"] = () => new Promise(() => {});
    const pins = await watch({ ...clock, after, sleep });
    await clock.advance(90 * dayMs - 1);
    expect([pins.of("shop"), changed]).toEqual(["1.2.0", []]);
    await clock.advance(1);
    expect([pins.of("shop"), changed]).toEqual(["", ["shop"]]);
  });
  it("has the present one where its time was over before", async () => {
    namespace("shop", pinned("1.2.0", "2025-12-31T23:59:59Z"));
    expect((await watch()).of("shop")).toBe("");
  });
  it.each([
    "tomorrow",
    "2026-02-31",
    "2027",
    "1",
    "",
    "2027-01-31T25:00:00Z",
    "2027-01-31T00:00:00",
  ])("is not pinned where nobody can tell until when: %j", async (until) => {
    namespace("shop", pinned("1.2.0", until));
    expect((await watch()).of("shop")).toBe("");
    expect(log.of("error").join()).toMatch(/version-pin-until of namespace shop is not a time/);
  });
  it("changes when the version or its end does, and not with anything else of the namespace", async () => {
    namespace("shop", pinned("1.2.0"));
    const pins = await watch();
    namespace("shop", { ...pinned("1.2.0"), "team.example/owner": "us" });
    namespace("shop", { ...pinned("1.2.0", "2027-01-01T00:00:00Z") });
    namespace("shop", pinned("1.3.0"));
    await eventually(() => pins.of("shop") === "1.3.0");
    expect(changed).toEqual(["shop"]);
    namespace("shop", pinned("1.3.0", "nonsense"));
    await eventually(() => pins.of("shop") === "");
    expect(changed).toEqual(["shop", "shop"]);
  });
  it("does not change any more when the pin is over and then removed", async () => {
    namespace("shop", pinned("1.2.0", "2026-01-01T00:00:01Z"));
    const pins = await watch();
    await clock.advance(1000);
    expect(changed).toEqual(["shop"]);
    namespace("shop", {});
    namespace("other", pinned("1.2.0"));
    await eventually(() => pins.of("other") !== "");
    expect(changed).toEqual(["shop", "other"]);
  });
  it("has the present one also where its end is seen before its timer, which then says nothing", async () => {
    namespace("shop", pinned("1.2.0", "2026-01-01T01:00:00Z"));
    let lateMs = 0;
    const pins = await watch({ ...clock, now: () => clock.now() + lateMs });
    lateMs = 3_600_000;
    namespace("shop", { ...pinned("1.2.0", "2026-01-01T01:00:00Z"), "team.example/owner": "us" });
    await eventually(() => changed.length > 0);
    expect([pins.of("shop"), changed]).toEqual(["", ["shop"]]);
    await clock.advance(3_600_000);
    namespace("shop", {});
    namespace("other", pinned("1.2.0"));
    await eventually(() => pins.of("other") !== "");
    expect(changed).toEqual(["shop", "other"]);
  });
  it("is nothing where namespaces cannot be watched", async () => {
    expect(noPins.of("shop")).toBe("");
    await noPins.synced;
  });
});
