import { describe, expect, it } from "vitest";
import { jobKey, type StoredJob, writeStored } from "#core/blocks/jobs/job.ts";
import { planTrigger, type TriggerRequest } from "#core/due-times/trigger.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import { callOptions, command, database } from "./coordination-support.ts";

const app = { appId: "shop", namespace: "" };
const at = Date.UTC(2099, 0, 1);
const dueTime = new Date(at).toISOString();

async function put(
  { dueTimes }: Coordination,
  name: string,
  request: TriggerRequest,
  more: Partial<StoredJob> = {},
  owner = app,
): Promise<void> {
  const trigger = { ...planTrigger(request, Date.now()), ...more.trigger };
  const data = writeStored({ dueTime: request.dueTime, ttl: request.ttl, ...more, trigger });
  await dueTimes.put({ ...jobKey(owner, name), dueAt: trigger.tick, data }, true, callOptions);
}
const jobsOf = (db: { readonly flag: string }, ...args: readonly string[]) =>
  command(["jobs", ...args, "-a", "shop", "--coordination", db.flag]);

describe("outrigger jobs list", () => {
  it("lists the jobs of an app", async () => {
    await using db = await database();
    await put(db, "nightly", { schedule: "@daily", repeats: 10, dueTime });
    await put(db, "once", { dueTime: "2020-01-01T00:00:00Z" });
    await put(db, "never", { schedule: "0 0 0 30 2 *" });
    await put(db, "over", { schedule: "@every 2s", ttl: "1s" });
    await put(db, "other", { dueTime: "1h" }, {}, { ...app, appId: "shop2" });
    const { code, out, err } = await jobsOf(db, "list");
    expect([code, err]).toEqual([0, ""]);
    expect(out.replace(/\d+d {3}/, "27000d   ")).toBe(
      [
        "NAME      SCHEDULE       NEXT RUN               IN       RUNS",
        "never     0 0 0 30 2 *   never                  -        0",
        "nightly   @daily         2099-01-01T00:00:00Z   27000d   0 of 10",
        "once      once           2020-01-01T00:00:00Z   due      0",
        "",
      ].join("\n"),
    );
    expect((await jobsOf(db, "list", "--prefix", "o")).out).toMatch(/NAME.*\nonce .*\n$/);
  });
  it("gives JSON, with data as it is", async () => {
    await using db = await database();
    await put(
      db,
      "a",
      { schedule: "@daily", dueTime },
      { data: { json: '{"n":12345678901234567890}' } },
    );
    await put(db, "b", { dueTime }, { data: { typeUrl: "x.com/unknown.T", base64: "CgJoaQ==" } });
    await put(db, "c", { schedule: "0 0 0 30 2 *", failurePolicy: { kind: "drop" } });
    const { out } = await jobsOf(db, "list", "-o", "json");
    expect(out).toContain("12345678901234567890");
    const common = { appId: "shop", namespace: "default", runs: 0, failures: 0 };
    const policy = { constant: { interval: "1s", maxRetries: 3 } };
    const { value: _, ...rest } = (JSON.parse(out) as [{ data: { value: unknown } }])[0].data;
    expect(JSON.parse(out)).toMatchObject([
      {
        ...common,
        name: "a",
        schedule: "@daily",
        dueTime,
        nextRun: dueTime,
        failurePolicy: policy,
      },
      { ...common, name: "b", data: { "@type": "x.com/unknown.T", value: "CgJoaQ==" } },
      { ...common, name: "c", nextRun: null, failurePolicy: { drop: {} } },
    ]);
    expect(rest).toEqual({ "@type": "type.googleapis.com/google.protobuf.Value" });
  });
  it("reads many page by page, as many as wanted", async () => {
    await using db = await database();
    await Promise.all(
      Array.from({ length: 250 }, (_, i) => put(db, `j${1000 + i}`, { dueTime: "1h" })),
    );
    const all = await jobsOf(db, "list", "-o", "json");
    expect(JSON.parse(all.out)).toHaveLength(250);
    expect((await jobsOf(db, "list")).out.match(/\n/g)).toHaveLength(251);
    const some = await jobsOf(db, "list", "--limit", "120");
    expect(some.out.match(/\n/g)).toHaveLength(121);
    expect(some.err).toBe("There are more jobs than --limit 120\n");
    const exact = await jobsOf(db, "list", "--limit", "250", "-o", "json");
    expect([exact.err, (JSON.parse(exact.out) as unknown[]).length]).toEqual(["", 250]);
    const page = await jobsOf(db, "list", "--limit", "100", "-o", "json");
    expect((JSON.parse(page.out) as unknown[]).length).toBe(100);
    expect(page.err).toContain("more jobs");
  });
  it("says so when there are none, or nothing is kept yet", async () => {
    await using db = await database();
    const none = await jobsOf(db, "list", "--prefix", "x");
    expect([none.code, none.out]).toEqual([0, ""]);
    expect(none.err).toContain(
      'App "shop" in namespace "default" has no jobs whose name starts with "x"',
    );
    expect((await jobsOf(db, "list", "-o", "json")).out).toBe("[]\n");
    const missing = await command(["jobs", "list", "-a", "shop", "-o", "json"]);
    expect([missing.code, missing.out]).toEqual([0, "[]\n"]);
    expect(missing.err).toContain("No actors or jobs have been used here yet");
  });
});

describe("outrigger jobs get", () => {
  it("shows a job", async () => {
    await using db = await database();
    await put(
      db,
      "nightly",
      { schedule: "@daily", dueTime, repeats: 2 },
      { data: { json: '{"a":"\\u001b"}' } },
    );
    const { code, out } = await jobsOf(db, "get", "nightly");
    expect(code).toBe(0);
    expect(out).toContain("Schedule:    @daily\n");
    expect(out).toMatch(/Next run: {4}2099-01-01T00:00:00Z \(in \d+d\)\n/);
    expect(out).toContain("Runs:        0 of 2\n");
    expect(out).toContain("On failure:  retry after 1s, 3 times at most\n");
    expect(out).toContain('Data:        {"a":"\\u001b"}\n');
    const json = await jobsOf(db, "get", "nightly", "-o", "json");
    expect(JSON.parse(json.out)).toMatchObject({ name: "nightly", repeats: 2 });
  });
  it("shows large data in part, and text as text", async () => {
    await using db = await database();
    await put(db, "big\u009b", { dueTime }, { data: { json: JSON.stringify("x".repeat(5000)) } });
    const { out } = await jobsOf(db, "get", "big\u009b");
    expect(out).toContain("(5002 characters; -o json shows all)");
    expect(out).toContain("big?\n");
    const json = await jobsOf(db, "get", "big\u009b", "-o", "json");
    expect(json.out).not.toContain("\u009b");
    expect(JSON.parse(json.out)).toMatchObject({
      name: "big\u009b",
      data: { value: "x".repeat(5000) },
    });
  });
});

describe("outrigger jobs delete and run-now", () => {
  it("delete a job, of the namespace that is meant", async () => {
    await using db = await database();
    await put(db, "j", { dueTime });
    await put(db, "j", { dueTime }, {}, { ...app, namespace: "bank" });
    expect(await jobsOf(db, "delete", "j")).toEqual({ code: 0, out: 'Deleted job "j"\n', err: "" });
    expect((await jobsOf(db, "delete", "j")).code).toBe(1);
    expect((await jobsOf(db, "get", "j", "-n", "bank")).code).toBe(0);
  });
  it("make a job due, which keeps its schedule", async () => {
    await using db = await database();
    await put(db, "j", { schedule: "@daily", dueTime });
    const { code, out } = await jobsOf(db, "run-now", "j");
    expect(code).toBe(0);
    expect(out).toContain('Job "j" is due now');
    const [entry] = (
      await db.dueTimes.claim([jobKey(app, "j").queue], {
        ...callOptions,
        now: Date.now(),
        limit: 1,
        holdMs: 5000,
      })
    ).entries;
    expect(entry?.name).toBe("j");
    const again = await jobsOf(db, "run-now", "j", "-o", "json");
    expect([again.code, again.out]).toEqual([1, ""]);
    expect(again.err).toContain("running already");
  });
  it.each(["get", "delete", "run-now"])("%s fails for a job that is not there", async (name) => {
    await using db = await database();
    const { code, out, err } = await jobsOf(db, name, "no\u001b");
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain('has no job "no\\u001b"');
    expect((await command(["jobs", name, "j", "-a", "shop"])).code).toBe(1);
  });
});

describe("outrigger jobs, arguments", () => {
  it.each([
    [["-a", "s"], "Specify a command: list, get, delete or run-now"],
    [["lst", "-a", "s"], 'did you mean "list"?'],
    [["list"], "No app id: set --app-id"],
    [["list", "-a", "a.b"], "must not contain a dot"],
    [["list", "x", "-a", "s"], 'takes no argument "x"'],
    [["list", "-a", "s", "--limit", "0"], "1 or more"],
    [["get", "-a", "s"], "Specify a job: outrigger jobs get <name>"],
    [["get", "x", "y", "-a", "s"], 'takes no argument "y"'],
    [["delete", "x", "-a", "s", "--prefix", "y"], '--prefix is for "jobs list" only'],
    [["run-now", "x", "-a", "s", "--app"], "Unknown flag --app"],
  ])("refuses %j", async (args, why) => {
    const { code, out, err } = await command(["jobs", ...args]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(why);
    expect(err).toContain("outrigger jobs --help");
  });
  it("explains itself", async () => {
    const { out } = await command(["jobs", "--help"]);
    expect(out).toContain("run-now");
    expect(out).toContain("--limit");
  });
});
