import { describe, expect, it } from "vitest";
import { coordination } from "#components/in-memory/manifest.ts";
import type { CoordinationSettings } from "#core/hosting/coordination.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent } from "#test/support/host.ts";
import { appMetrics, samplesOf, shown } from "../../telemetry/support.ts";
import { type JobApp, jobRuntime, jobsInMemory } from "./support.ts";

const hour = 3_600_000;

/** When each call of the app came, in milliseconds since the start. */
function timed(app: JobApp, now: () => number, status: (n: number) => number = () => 200) {
  const start = now();
  const at: number[] = [];
  app.answer(() => {
    at.push(now() - start);
    return { status: status(at.length) };
  });
  return at;
}

describe("a job that is due", () => {
  it.each([
    ["object", { a: [true, null] }, '{"a":[true,null]}'],
    ["string", "text", '"text"'],
    ["number", 1.5, "1.5"],
    ["false", false, "false"],
    ["null", null, "null"],
    ["nothing", undefined, ""],
    [
      "what looks like an Any",
      { "@type": "x/google.protobuf.StringValue" },
      '{"@type":"x/google.protobuf.StringValue"}',
    ],
  ])("is posted to an HTTP app with its data, bare: %s", async (_what, data, body) => {
    await using host = jobRuntime();
    const app = await host.app();
    await app.http("POST", "j", { dueTime: "0s", data });
    await host.clock.advance(1);
    expect(app.seen).toEqual([
      { method: "POST", path: "/job/j", headers: { "content-type": "application/json" }, body },
    ]);
    expect((await app.http("GET", "j")).status).toBe(500);
  });
  it.each([
    ["StringValue", [10, 2, 104, 105], "hi"],
    ["BytesValue", [10, 2, 104, 105], "hi"],
    ["Value", [26, 2, 104, 105], '"hi"'],
    ["Int64Value", [8, 65], "\bA"],
    ["Value", [1, 2], "\u0001\u0002"],
  ])("with data that came over gRPC: %s %j", async (type, bytes, body) => {
    await using host = jobRuntime();
    const app = await host.app();
    const data = {
      typeUrl: `type.googleapis.com/google.protobuf.${type}`,
      value: Uint8Array.from(bytes),
    };
    await app.grpc.unary("ScheduleJob", { job: { name: "j", dueTime: "0s", data } });
    await host.clock.advance(1);
    expect(app.seen.map((call) => call.body)).toEqual([body]);
  });
  it.each([
    ["f@x", "/job/f@x"],
    ["a||b", "/job/a%7C%7Cb"],
    ["a b+c", "/job/a%20b+c"],
    ["é😀", "/job/%C3%A9%F0%9F%98%80"],
    ["a!'()*b", "/job/a%21%27%28%29%2Ab"],
    ["$&=:;,", "/job/$&=:%3B%2C"],
    ["%41", "/job/%2541"],
  ])("is called by its name, %j", async (name, path) => {
    await using host = jobRuntime();
    const app = await host.app();
    await app.grpc.unary("ScheduleJob", { job: { name, dueTime: "0s" } });
    await host.clock.advance(1);
    expect(app.seen.map((call) => call.path)).toEqual([path]);
  });
  it("comes with the app's token", async () => {
    await using host = jobRuntime();
    const app = await host.app({ appToken: "secret" });
    await app.http("POST", "j", { dueTime: "0s" });
    await host.clock.advance(1);
    expect(app.seen[0]?.headers).toEqual({
      "content-type": "application/json",
      "dapr-api-token": "secret",
    });
  });
  it("runs at its times, and no more than so often", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now);
    await app.http("POST", "due", { dueTime: "1500ms" });
    await host.clock.advance(hour);
    expect(at.splice(0)).toEqual([1500]);
    const start = host.clock.now();
    const recurring = timed(app, host.clock.now);
    await app.http("POST", "rec", { schedule: "@every 700ms", repeats: 3 });
    await app.http("POST", "rec2", { schedule: "@every 1h", dueTime: "-10m", repeats: 2 });
    await host.clock.advance(2 * hour);
    expect(recurring).toEqual([0, 700, 1400, 2100, 50 * 60_000]);
    expect(host.clock.now() - start).toBe(2 * hour);
    expect((await app.http("GET", "rec")).status).toBe(500);
  });
  it("is overwritten or deleted before it runs", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    await app.http("POST", "j", { dueTime: "10s", data: 1 });
    await app.http("POST", "k", { dueTime: "10s" });
    await host.clock.advance(5000);
    await app.http("POST", "j", { dueTime: "1s", data: 2, overwrite: true });
    await app.http("DELETE", "k");
    await host.clock.advance(60_000);
    expect(app.seen.map(({ path, body }) => [path, body])).toEqual([["/job/j", "2"]]);
  });
  it("may schedule itself again, or delete itself, while it runs", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    app.answer(async ({ path }) => {
      if (path === "/job/again" && app.runs("again").length < 3)
        await app.http("POST", "again", { dueTime: "1s", overwrite: true });
      if (path === "/job/once") await app.http("DELETE", "once");
      return {};
    });
    await app.http("POST", "again", { dueTime: "0s" });
    await app.http("POST", "once", { schedule: "@every 1s" });
    await host.clock.advance(10_000);
    expect([app.runs("again").length, app.runs("once").length]).toEqual([3, 1]);
  });
});

describe("an answer of the app", () => {
  const policy = { constant: { interval: "2s", maxRetries: 2 } };
  it.each([
    [200, 1],
    [201, 1],
    [204, 1],
    [404, 1],
    [302, 3],
    [400, 3],
    [500, 3],
    [503, 3],
  ])("%i ends the run after %i calls", async (status, calls) => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now, () => status);
    await app.http("POST", "j", { dueTime: "0s", failurePolicy: policy });
    await host.clock.advance(60_000);
    expect(at).toEqual([0, 2000, 4000].slice(0, calls));
    expect((await app.http("GET", "j")).status).toBe(500);
  });
  it("that does not come counts as a failure", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    app.answer(() => {
      throw new Error("ECONNRESET");
    });
    await app.http("POST", "j", { dueTime: "0s", failurePolicy: { drop: {} } });
    await host.clock.advance(60_000);
    expect(app.seen).toHaveLength(1);
    expect(host.warnings()).toEqual([
      "Cannot call the app for job j: ECONNRESET",
      "Job j is not tried again: it has failed once",
    ]);
  });
  it("that fails is asked for three times more by default, a second apart", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now, () => 500);
    await app.http("POST", "j", { dueTime: "0s" });
    await host.clock.advance(60_000);
    expect(at).toEqual([0, 1000, 2000, 3000]);
  });
  it("that gets better ends the retries", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now, (n) => (n < 3 ? 500 : 200));
    await app.http("POST", "j", { dueTime: "0s" });
    await host.clock.advance(60_000);
    expect(at).toEqual([0, 1000, 2000]);
  });
  it("that fails moves none of the later times, and each has tries of its own", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now, () => 500);
    const constant = { interval: "1s", maxRetries: 1 };
    await app.http("POST", "j", {
      dueTime: "0s",
      schedule: "@every 10s",
      repeats: 2,
      failurePolicy: { constant },
    });
    await host.clock.advance(60_000);
    expect(at).toEqual([0, 1000, 10_000, 11_000]);
  });
  it("that takes long lets the next time wait: one run of a job at a time", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    let running = 0;
    let most = 0;
    const at: number[] = [];
    const start = host.clock.now();
    app.answer(async () => {
      at.push(host.clock.now() - start);
      most = Math.max(most, ++running);
      await host.clock.sleep(2500, { signal: new AbortController().signal });
      running--;
      return {};
    });
    await app.http("POST", "j", { dueTime: "0s", schedule: "@every 1s", repeats: 3 });
    await host.clock.advance(60_000);
    expect(most).toBe(1);
    expect(at).toEqual([0, 2500, 5000]);
  });
  it("to one job does not keep others waiting", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    app.answer(({ path }) => (path === "/job/hangs" ? new Promise(() => {}) : {}));
    await app.http("POST", "hangs", { dueTime: "0s" });
    await app.http("POST", "j", { dueTime: "1s" });
    await host.clock.advance(2000);
    expect(app.runs("j")).toHaveLength(1);
    void app.stop();
    await host.clock.advance(60_000);
  });
});

describe("a time to live", () => {
  it("ends a job that recurs", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now);
    await app.http("POST", "j", { dueTime: "0s", schedule: "@every 1s", ttl: "2500ms" });
    await host.clock.advance(60_000);
    expect(at).toEqual([0, 1000, 2000]);
    expect((await app.http("GET", "j")).status).toBe(500);
  });
  it("counts from the due time", async () => {
    await using host = jobRuntime();
    const app = await host.app();
    const at = timed(app, host.clock.now);
    await app.http("POST", "j", { dueTime: "10s", schedule: "@every 1s", ttl: "1s" });
    await host.clock.advance(60_000);
    expect(at).toEqual([10_000, 11_000]);
  });
  it("ends what nobody could take, and retries without an end", async () => {
    await using host = jobRuntime();
    const silent = await host.app({ hasChannel: false });
    await silent.http("POST", "j", { schedule: "@every 1s", ttl: "10s" });
    expect((await silent.http("GET", "j")).status).toBe(200);
    await host.clock.advance(11_000);
    expect((await silent.http("GET", "j")).status).toBe(500);
    expect((await silent.grpc.unary("ListJobs")).jobs).toEqual([]);
    expect((await silent.http("POST", "j", { schedule: "@every 1s", ttl: "10s" })).status).toBe(
      204,
    );
    await host.clock.advance(20_000);
    const app = await host.app({ instance: "2" });
    await host.clock.advance(5000);
    expect(app.seen).toEqual([]);
    const at = timed(app, host.clock.now, () => 500);
    const failurePolicy = { constant: { interval: "4s" } };
    await app.http("POST", "k", { schedule: "@every 1s", ttl: "5s", failurePolicy });
    await host.clock.advance(60_000);
    expect(at).toEqual([1000, 5000, 9000]);
  });
});

describe("runs wait", () => {
  it("for a replica that has a channel, and the one that was missed comes late, once", async () => {
    await using host = jobRuntime();
    const caller = await host.app({ hasChannel: false });
    const start = host.clock.now();
    await caller.http("POST", "j", { dueTime: "0s", schedule: "@every 1m" });
    await host.clock.advance(10 * 60_000 + 30_000);
    const app = await host.app({ instance: "2" });
    const at: number[] = [];
    app.answer(() => {
      at.push(host.clock.now() - start);
      return {};
    });
    await host.clock.advance(2 * 60_000);
    expect(app.seen).toHaveLength(3);
    expect(at).toEqual([11 * 60_000, 12 * 60_000]);
  });
  it("while the app is not well, and what it fails meanwhile does not count", async () => {
    await using host = jobRuntime();
    let isWell = true;
    const app = await host.app({
      healthProbe: { path: "/healthz", intervalMs: 1000, timeoutMs: 500, threshold: 1 },
    });
    app.answer(({ path }) => ({ status: path === "/healthz" && !isWell ? 500 : 200 }));
    await host.clock.advance(1000);
    await app.http("POST", "j", {
      dueTime: "0s",
      schedule: "@every 10s",
      failurePolicy: { drop: {} },
    });
    await host.clock.advance(5000);
    expect(app.runs("j")).toHaveLength(1);
    isWell = false;
    await host.clock.advance(60_000);
    expect(app.runs("j")).toHaveLength(1);
    isWell = true;
    await host.clock.advance(1500);
    expect(app.runs("j")).toHaveLength(2);
  });
  it("where the app stops: what has been cut off is left as it was", async () => {
    const clock = fakeClock();
    const [shared] = await sharedCoordination();
    await using first = jobRuntime(clock, [shared]);
    await using second = jobRuntime(clock, [shared]);
    const dying = await first.app();
    dying.answer(() => new Promise(() => {}));
    await dying.http("POST", "j", { dueTime: "0s", failurePolicy: { drop: {} } });
    await clock.advance(1000);
    expect(dying.runs("j")).toHaveLength(1);
    const app = await second.app();
    const stopping = dying.stop();
    await clock.advance(29_000);
    expect(app.runs("j")).toHaveLength(0);
    await clock.advance(3000);
    await stopping;
    expect(app.runs("j")).toHaveLength(1);
    expect((await app.http("GET", "j")).status).toBe(500);
  });
  it("no longer than a hold for a process that has died", async () => {
    const clock = fakeClock();
    const [shared, port] = await sharedCoordination();
    await using host = jobRuntime(clock, [shared]);
    const caller = await host.app({ hasChannel: false });
    await caller.http("POST", "j", { dueTime: "0s" });
    const options = { signal: new AbortController().signal };
    const queue = JSON.stringify(["job", "default", "app"]);
    const claim = { ...options, now: clock.now(), limit: 1, holdMs: 5000 };
    expect((await port.dueTimes.claim([queue], claim)).entries).toHaveLength(1);
    const app = await host.app({ instance: "2" });
    await clock.advance(4900);
    expect(app.runs("j")).toHaveLength(0);
    await clock.advance(1200);
    expect(app.runs("j")).toHaveLength(1);
  });
});

describe("replicas", () => {
  it("of one process take runs in turn", async () => {
    await using host = jobRuntime();
    const [one, two] = [await host.app({ instance: "1" }), await host.app({ instance: "2" })];
    await one.http("POST", "j", { schedule: "@every 1s", repeats: 10 });
    await host.clock.advance(20_000);
    expect([one.seen.length, two.seen.length]).toEqual([5, 5]);
    await one[Symbol.asyncDispose]();
    await two.http("POST", "j", { schedule: "@every 1s", repeats: 4 });
    await host.clock.advance(20_000);
    expect([one.seen.length, two.seen.length]).toEqual([5, 9]);
  });
  it("of several processes get each run once", async () => {
    const clock = fakeClock();
    const [shared] = await sharedCoordination();
    await using first = jobRuntime(clock, [shared]);
    await using second = jobRuntime(clock, [shared]);
    const apps = [await first.app(), await second.app()];
    for (let i = 0; i < 50; i++) await apps[i % 2]?.http("POST", `j${i}`, { dueTime: `${i}ms` });
    await clock.advance(5000);
    const paths = apps.flatMap((app) => app.seen.map(({ path }) => path));
    expect(paths).toHaveLength(50);
    expect(new Set(paths).size).toBe(50);
  });
});

describe("without jobs", () => {
  /** A database that comes into being with its first use. */
  function lazy(): {
    readonly settings: CoordinationSettings;
    readonly manifest: Manifest;
    opened: number;
  } {
    const seen = { opened: 0 };
    const manifest = {
      ...coordination,
      open: async (...args: Parameters<typeof coordination.open>) => {
        seen.opened++;
        return coordination.open(...args);
      },
    };
    const { driver, ...settings } = jobsInMemory();
    const embedded = {
      ...(driver as NonNullable<typeof driver>),
      groupOf: (group: string) => group,
      exists: async () => seen.opened > 0,
      prepare: async () => {},
    };
    return Object.assign(seen, { settings: { ...settings, embedded }, manifest });
  }
  it("nothing is opened and no timer runs, whoever asks; the first one begins it", async () => {
    const database = lazy();
    await using host = jobRuntime(fakeClock(), [database.manifest]);
    const app = await host.app({ coordination: database.settings });
    const replica = await host.app({ coordination: database.settings, instance: "2" });
    expect((await app.http("GET", "j")).status).toBe(500);
    expect((await app.http("DELETE", "j")).status).toBe(204);
    expect((await app.grpc.unary("ListJobs")).jobs).toEqual([]);
    await app.grpc.unary("DeleteJobsByPrefix");
    expect((await app.http("POST", "j", { dueTime: "x" })).status).toBe(500);
    await host.clock.advance(60_000);
    expect([database.opened, host.clock.sleepers]).toEqual([0, 0]);
    await app.http("POST", "j", { dueTime: "1s" });
    await app.http("POST", "k", { dueTime: "2s" });
    await host.clock.advance(3000);
    expect(database.opened).toBe(1);
    expect([...app.seen, ...replica.seen]).toHaveLength(2);
    // Also where the one that scheduled it is not there any more.
    await app.http("POST", "l", { dueTime: "10s" });
    await app[Symbol.asyncDispose]();
    await host.clock.advance(20_000);
    expect(replica.runs("l")).toHaveLength(1);
  });
  it("but with a database, they are run from the start", async () => {
    const database = lazy();
    await using host = jobRuntime(fakeClock(), [database.manifest]);
    const caller = await host.app({ coordination: database.settings, hasChannel: false });
    await caller.http("POST", "j", { dueTime: "0s" });
    const app = await host.app({ coordination: database.settings, instance: "2" });
    await host.clock.advance(1);
    expect(app.runs("j")).toHaveLength(1);
  });
  it("and with one that another process makes, they are run from then on", async () => {
    const database = lazy();
    let made = (): void => {};
    const embedded = {
      ...(database.settings.embedded as NonNullable<CoordinationSettings["embedded"]>),
      onceThere: (run: () => void) => {
        made = run;
        return () => {};
      },
    };
    await using host = jobRuntime(fakeClock(), [database.manifest]);
    await host.app({ coordination: { ...database.settings, embedded } });
    await host.clock.advance(60_000);
    expect(database.opened).toBe(0);
    made();
    await host.clock.advance(1);
    expect(database.opened).toBe(1);
  });
  it("that can be opened, it is tried again until it can", async () => {
    let isThere = false;
    const manifest = {
      ...coordination,
      open: async (...args: Parameters<typeof coordination.open>) => {
        if (!isThere) throw new Error("connection refused");
        return coordination.open(...args);
      },
    };
    await using host = jobRuntime(fakeClock(), [manifest]);
    const app = await host.app();
    await host.clock.advance(120_000);
    expect(host.warnings()).toEqual(["Cannot run jobs, trying again: connection refused"]);
    expect((await app.http("POST", "j", { dueTime: "0s" })).json["message"]).toBe(
      "failed to schedule job due to: connection refused",
    );
    isThere = true;
    await app.http("POST", "j", { dueTime: "0s" });
    await host.clock.advance(30_000);
    expect(app.runs("j")).toHaveLength(1);
  });
  it("an app whose jobs are turned off runs none", async () => {
    await using host = jobRuntime();
    const caller = await host.app({ hasChannel: false });
    await caller.http("POST", "j", { dueTime: "0s" });
    const app = await host.app({ instance: "2", coordination: jobsInMemory({ jobs: false }) });
    await host.clock.advance(5000);
    expect(app.seen).toEqual([]);
  });
});

describe("what is measured", () => {
  it("is every try of a run: what was done, and what failed", async () => {
    await using host = jobRuntime();
    const metrics = appMetrics();
    const app = await host.app({ metrics });
    const statuses: Record<string, number> = { "/job/fails": 500, "/job/none": 404 };
    app.answer(({ path }) => ({ status: statuses[path] ?? 200 }));
    for (const name of ["good", "none", "fails"]) await app.http("POST", name, { dueTime: "0s" });
    await host.clock.advance(10_000);
    const labels = { namespace: "", operation: "job_trigger_op" };
    const samples = (name: string) => samplesOf(shown(metrics), `dapr_component_job_${name}`);
    expect(samples("success_count")).toEqual([[labels, 1]]);
    expect(samples("failure_count")).toEqual([[labels, 5]]);
    expect(samples("latencies")).toEqual([
      [{ ...labels, success: "true" }, 1],
      [{ ...labels, success: "false" }, 5],
    ]);
  });
});

/** One coordination that several runtimes open, as processes do. */
async function sharedCoordination(): Promise<readonly [Manifest, Coordination]> {
  const port = await openComponent(coordination);
  return [
    { ...coordination, open: async () => ({ ...port, [Symbol.asyncDispose]: async () => {} }) },
    port,
  ];
}
