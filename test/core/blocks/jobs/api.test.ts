import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type JobApp, jobRuntime, jobsInMemory } from "./support.ts";
import { grpcError } from "../../grpc-call.ts";

const host = jobRuntime();
let app: JobApp;
beforeAll(async () => {
  app = await host.app();
});
afterAll(() => host[Symbol.asyncDispose]());

const failed = "failed to schedule job due to: rpc error: code = Unknown desc =";
const nbsp = "\u00a0";

describe("a job over HTTP", () => {
  it("is shown as it was given, with the scheduler's defaults", async () => {
    const body = {
      schedule: "0 30 * * * *",
      repeats: 5,
      due_time: "2099-01-01T10:00:00Z",
      ttl: "1h",
      data: { a: [1, null] },
      overwrite: false,
      colour: "red",
      failure_policy: { constant: { interval: "1.5s", max_retries: "2" } },
    };
    expect((await app.http("POST", "all", body)).status).toBe(204);
    const { status, json } = await app.http("GET", "all");
    expect(status).toBe(200);
    expect(json).toEqual({
      name: "all",
      schedule: "0 30 * * * *",
      repeats: 5,
      dueTime: "2099-01-01T10:00:00Z",
      ttl: "1h",
      data: { "@type": "type.googleapis.com/google.protobuf.Value", value: { a: [1, null] } },
      failurePolicy: { constant: { interval: "1.500s", maxRetries: 2 } },
    });
    await app.http("POST", "plain", { dueTime: "1h" });
    expect((await app.http("GET", "plain")).text).toBe(
      '{"name":"plain","dueTime":"1h","failurePolicy":{"constant":{"interval":"1s","maxRetries":3}}}',
    );
  });
  it.each([
    ['{"drop":{}}', '{"drop":{}}'],
    ['{"constant":{}}', '{"constant":{}}'],
    [
      '{"constant":{"maxRetries":0,"interval":"0s"}}',
      '{"constant":{"interval":"0s","maxRetries":0}}',
    ],
    ["{}", '{"constant":{"interval":"1s","maxRetries":3}}'],
    ["null", '{"constant":{"interval":"1s","maxRetries":3}}'],
    ['{"drop":null,"constant":{"interval":null}}', '{"constant":{}}'],
  ])("has the failure policy %s as %s", async (given, shown) => {
    const body = `{"dueTime": "1h", "overwrite": true, "failurePolicy": ${given}}`;
    expect((await app.http("POST", "policy", body)).status).toBe(204);
    expect((await app.http("GET", "policy")).text).toContain(`"failurePolicy":${shown}`);
  });
  it("keeps data to the letter, whatever it looks like", async () => {
    for (const data of [
      "null",
      "9007199254740993",
      '"\\u00fc"',
      '{"@type":"x","b":1,"a":[ ]}',
      "1e2",
    ]) {
      const body = `{"dueTime":"1h","overwrite":true,"data":${data} }`;
      expect((await app.http("POST", "data", body)).status).toBe(204);
      expect((await app.http("GET", "data")).text).toContain(`"value":${data}}`);
    }
  });
  it("with the name of another is refused, unless it may take its place", async () => {
    await app.http("POST", "twice", { dueTime: "1h" });
    const again = await app.http("POST", "twice", { schedule: "@daily" });
    expect(again).toMatchObject({
      status: 409,
      json: {
        errorCode: "DAPR_SCHEDULER_SCHEDULE_JOB",
        message:
          "failed to schedule job due to: rpc error: code = AlreadyExists desc = job already exists: 'app||default||app||twice'",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            domain: "dapr.io",
            metadata: { appID: "app", namespace: "default" },
            reason: "DAPR_SCHEDULER_SCHEDULE_JOB",
          },
        ],
      },
    });
    expect((await app.http("GET", "twice")).json["dueTime"]).toBe("1h");
    expect((await app.http("POST", "twice", { schedule: "@daily", overwrite: true })).status).toBe(
      204,
    );
    expect((await app.http("GET", "twice")).json["dueTime"]).toBeUndefined();
  });
  it("is gone once it is deleted, which it may be again", async () => {
    await app.http("POST", "gone", { dueTime: "1h" });
    for (let i = 0; i < 2; i++) expect((await app.http("DELETE", "gone")).status).toBe(204);
    expect(await app.http("GET", "gone")).toMatchObject({
      status: 500,
      json: {
        errorCode: "DAPR_SCHEDULER_GET_JOB",
        message: "failed to get job due to: rpc error: code = NotFound desc = job not found: gone",
      },
    });
  });
  it.each([
    ["{", `proto:${nbsp}unexpected EOF`],
    ["", undefined],
    ["hello", `proto:${nbsp}syntax error (line 1:1): invalid value hello`],
    ['{"dueTime": tru}', `proto:${nbsp}syntax error (line 1:13): invalid value tru`],
    ['{"a":1,}', `proto:${nbsp}syntax error (line 1:8): unexpected token }`],
    ["[]", `proto:${nbsp}syntax error (line 1:1): unexpected token [`],
    ["null", `proto:${nbsp}syntax error (line 1:1): unexpected token null`],
    ['\n {"dueTime":5}', `proto:${nbsp}(line 2:13): invalid value for string field dueTime: 5`],
    ['{"due_time":{}}', `proto:${nbsp}(line 1:13): invalid value for string field dueTime: {`],
    ['{"repeats":-1}', `proto:${nbsp}(line 1:12): invalid value for uint32 field repeats: -1`],
    ['{"repeats":1.5}', `proto:${nbsp}(line 1:12): invalid value for uint32 field repeats: 1.5`],
    ['{"repeats":"x"}', `proto:${nbsp}(line 1:12): invalid value for uint32 field repeats: "x"`],
    [
      '{"repeats":4294967296}',
      `proto:${nbsp}(line 1:12): invalid value for uint32 field repeats: 4294967296`,
    ],
    [
      '{"overwrite":"true"}',
      `proto:${nbsp}(line 1:14): invalid value for bool field overwrite: "true"`,
    ],
    ['{"dueTime":"1h","due_time":"2h"}', `proto:${nbsp}(line 1:17): duplicate field "due_time"`],
    ['{"failurePolicy":5}', `proto:${nbsp}syntax error (line 1:18): unexpected token 5`],
    ['{"failurePolicy":{"drop":1}}', `proto:${nbsp}syntax error (line 1:26): unexpected token 1`],
    [
      '{"failurePolicy":{"constant":{"interval":1}}}',
      `proto:${nbsp}syntax error (line 1:42): unexpected token 1`,
    ],
    [
      '{"failurePolicy":{"constant":{"interval":"1m"}}}',
      `proto:${nbsp}(line 1:42): invalid google.protobuf.Duration value "1m"`,
    ],
    [
      '{"failurePolicy":{"constant":{"maxRetries":-1}}}',
      `proto:${nbsp}(line 1:44): invalid value for uint32 field maxRetries: -1`,
    ],
    [
      '{"failurePolicy":{"drop":{},"constant":{}}}',
      `proto:${nbsp}(line 1:29): error parsing "constant", oneof dapr.proto.common.v1.JobFailurePolicy.policy is already set`,
    ],
    [
      `{"data":${"[".repeat(1001)}${"]".repeat(1001)}}`,
      `proto:${nbsp}(line 1:9): exceeded max depth`,
    ],
  ])("is not in the body %j", async (body, why) => {
    const { status, json } = await app.http("POST", "bad", body);
    expect(status).toBe(400);
    expect(json).toEqual(
      why === undefined
        ? expect.objectContaining({
            errorCode: "DAPR_SCHEDULER_SCHEDULE_EMPTY",
            message: "Schedule is empty",
          })
        : { errorCode: "ERR_MALFORMED_REQUEST", message: `failed deserializing HTTP body: ${why}` },
    );
    expect((await app.http("GET", "bad")).status).toBe(500);
  });
  it("has its name in the path alone", async () => {
    for (const name of ["other", "same"])
      expect(await app.http("POST", "same", { dueTime: "1h", name })).toMatchObject({
        status: 400,
        json: {
          errorCode: "DAPR_SCHEDULER_JOB_NAME",
          message: "Set the job name in the url only",
          details: [{ metadata: { appID: "app" } }],
        },
      });
    expect((await app.http("POST", "%20", { dueTime: "1h" })).json).toMatchObject({
      errorCode: "DAPR_SCHEDULER_JOB_NAME_EMPTY",
      message: "Name is empty",
    });
    for (const method of ["GET", "DELETE"])
      expect((await app.http(method, "%20")).json["errorCode"]).toBe(
        "DAPR_SCHEDULER_JOB_NAME_EMPTY",
      );
  });
  it("larger than the limit is refused", async () => {
    const body = { dueTime: "1h", data: "x".repeat(4_194_304) };
    expect(await app.http("POST", "large", body)).toMatchObject({
      status: 400,
      json: { errorCode: "ERR_BODY_READ" },
    });
  });
  it.each([
    ["a/b", "a%2Fb", "must not contain '/', '\\', '#' or '?'"],
    ["a\\\\b", "a%5Cb", "must not contain '/', '\\', '#' or '?'"],
    ["a#b", "a%23b", "must not contain '/', '\\', '#' or '?'"],
    ["a?b", "a%3Fb", "must not contain '/', '\\', '#' or '?'"],
    ["a\\u0000b", "a%00b", "must not contain control characters"],
    ["a\\nb", "a%0Ab", "must not contain control characters"],
    ["n".repeat(600), "n".repeat(600), "must be at most 512 characters"],
  ])("cannot be called %s", async (shown, path, why) => {
    const { status, json } = await app.http("POST", path, { dueTime: "1h" });
    expect(status).toBe(500);
    expect(json["message"]).toBe(
      `${failed} job name is invalid "app||default||app||${shown}": ${why}`,
    );
  });
  it.each(["a||b", "a@b", "a b", ".", "..", "é😀", "%", "_", "'\"", "constructor", "A", "a"])(
    "can be called %j, and is no other's",
    async (name) => {
      const path = encodeURIComponent(name).replaceAll(".", "%2E");
      expect((await app.http("POST", path, { dueTime: "1h", data: name })).status).toBe(204);
      expect((await app.http("GET", path)).json).toMatchObject({ name, data: { value: name } });
    },
  );
  it("has no spaces around its name", async () => {
    await app.http("POST", "%20pad%20", { dueTime: "1h" });
    expect((await app.http("GET", "pad")).status).toBe(200);
  });
  it("that the scheduler refuses is an error of the server", async () => {
    const { status, json } = await app.http("POST", "x", { schedule: "x" });
    expect(status).toBe(500);
    expect(json).toMatchObject({
      errorCode: "DAPR_SCHEDULER_SCHEDULE_JOB",
      message: `${failed} job failed validation: expected exactly 6 fields, found 1: [x]`,
      details: [{ metadata: { appID: "app", namespace: "default" } }],
    });
  });
  it("whose time to live is over is gone at once, and takes the place of another", async () => {
    await app.http("POST", "over", { dueTime: "1h" });
    const over = { schedule: "@every 1h", ttl: "2020-01-01T00:00:00Z" };
    expect((await app.http("POST", "over", over)).status).toBe(409);
    expect((await app.http("POST", "over", { ...over, overwrite: true })).status).toBe(204);
    expect((await app.http("GET", "over")).status).toBe(500);
    expect((await app.http("POST", "over", over)).status).toBe(204);
  });
});

describe("jobs over gRPC", () => {
  it("are scheduled, got, listed and deleted, by the stable rpcs and the older ones", async () => {
    const own = await host.app({ appId: "grpc" });
    for (const version of ["", "Alpha1"] as const) {
      const name = `j${version}`;
      const data = { typeUrl: "type.googleapis.com/my.own.Type", value: Uint8Array.of(1, 2, 3) };
      const job = {
        name,
        schedule: "@every 1h",
        repeats: 2,
        ttl: "10h",
        data,
        failurePolicy: {
          policy: {
            case: "constant",
            value: { interval: { seconds: 3n, nanos: 5 }, maxRetries: 2 },
          },
        },
      };
      await own.grpc.unary(`ScheduleJob${version}`, { job });
      const got = await own.grpc.unary(`GetJob${version}`, { name });
      expect(got.job).toMatchObject({ ...job, data: { ...data, value: expect.anything() } });
      expect([...got.job.data.value]).toEqual([1, 2, 3]);
      expect(got.job.dueTime).toBeUndefined();
      const { jobs } = await own.grpc.unary(`ListJobs${version}`);
      expect(jobs).toEqual([got.job]);
      const again = await grpcError(own.grpc.unary(`ScheduleJob${version}`, { job }));
      expect(again).toMatchObject({ code: "DAPR_SCHEDULER_SCHEDULE_JOB", spec: { grpc: 6 } });
      await own.grpc.unary(`ScheduleJob${version}`, {
        job: { name, dueTime: "1h", failurePolicy: { policy: { case: "drop", value: {} } } },
        overwrite: true,
      });
      const { job: changed } = await own.grpc.unary(`GetJob${version}`, { name });
      expect(changed).toMatchObject({ dueTime: "1h", failurePolicy: { policy: { case: "drop" } } });
      expect(changed.data).toBeUndefined();
      for (let i = 0; i < 2; i++) await own.grpc.unary(`DeleteJob${version}`, { name });
      expect(await grpcError(own.grpc.unary(`GetJob${version}`, { name }))).toMatchObject({
        message: `failed to get job due to: rpc error: code = NotFound desc = job not found: ${name}`,
        spec: { grpc: 13 },
      });
    }
  });
  it("are the same jobs as over HTTP", async () => {
    await app.http("POST", "both", { dueTime: "1h", data: { n: [1, "x"] } });
    const { job } = await app.grpc.unary("GetJob", { name: "both" });
    expect(job.data.typeUrl).toBe("type.googleapis.com/google.protobuf.Value");
    await app.grpc.unary("ScheduleJob", { job: { ...job, name: "copy" } });
    expect((await app.http("GET", "copy")).json).toMatchObject({
      data: { value: { n: [1, "x"] } },
    });
  });
  it("whose data is of nobody's type have no JSON form", async () => {
    const data = { typeUrl: "type.googleapis.com/my.own.Type", value: Uint8Array.of(1) };
    await app.grpc.unary("ScheduleJob", { job: { name: "own-type", dueTime: "1h", data } });
    expect(await app.http("GET", "own-type")).toMatchObject({
      status: 500,
      json: {
        errorCode: "DAPR_SCHEDULER_GET_JOB",
        message: expect.stringContaining("my.own.Type"),
      },
    });
  });
  it.each([
    ["ScheduleJob", {}, "DAPR_SCHEDULER_EMPTY", "Job is empty", 3],
    [
      "ScheduleJob",
      { job: { name: "", dueTime: "1h" } },
      "DAPR_SCHEDULER_JOB_NAME_EMPTY",
      "Name is empty",
      3,
    ],
    [
      "ScheduleJob",
      { job: { name: "x" } },
      "DAPR_SCHEDULER_SCHEDULE_EMPTY",
      "Schedule is empty",
      3,
    ],
    [
      "ScheduleJob",
      { job: { name: "x", schedule: "" } },
      "DAPR_SCHEDULER_SCHEDULE_JOB",
      `${failed} job failed validation: empty spec string`,
      13,
    ],
    [
      "ScheduleJob",
      { job: { name: "x", dueTime: "x" } },
      "DAPR_SCHEDULER_SCHEDULE_JOB",
      `${failed} job failed validation: due time format not recognized`,
      13,
    ],
    ["GetJob", { name: "" }, "DAPR_SCHEDULER_JOB_NAME_EMPTY", "Name is empty", 3],
    ["DeleteJobAlpha1", { name: "" }, "DAPR_SCHEDULER_JOB_NAME_EMPTY", "Name is empty", 3],
  ] as const)("%s of %j is %s", async (rpc, request, code, message, grpc) => {
    expect(await grpcError(app.grpc.unary(rpc, request))).toMatchObject({
      code,
      message,
      spec: { grpc },
      details: [
        { type: "ErrorInfo", reason: code, metadata: { appID: "app", namespace: "default" } },
      ],
    });
  });
  it("are deleted by the beginning of their names, which has no wildcards", async () => {
    const own = await host.app({ appId: "prefix" });
    for (const name of ["pre-a", "pre-b", "pr", "PRE-c", "%re", "_re-d"])
      await own.http("POST", encodeURIComponent(name), { dueTime: "1h" });
    const names = async (): Promise<readonly string[]> =>
      ((await own.grpc.unary("ListJobs")).jobs as Array<{ name: string }>).map(({ name }) => name);
    await own.grpc.unary("DeleteJobsByPrefix", { namePrefix: "pre-" });
    expect(await names()).toEqual(["%re", "PRE-c", "_re-d", "pr"]);
    await own.grpc.unary("DeleteJobsByPrefixAlpha1", { namePrefix: "%" });
    expect(await names()).toEqual(["PRE-c", "_re-d", "pr"]);
    await own.grpc.unary("DeleteJobsByPrefix");
    expect(await names()).toEqual([]);
  });
  it("are listed without an end to their number", async () => {
    const own = await host.app({ appId: "many" });
    for (let i = 0; i < 1001; i++) await own.http("POST", `n${i}`, { dueTime: "1h" });
    expect((await own.grpc.unary("ListJobs")).jobs).toHaveLength(1001);
  });
});

describe("metadata", () => {
  const metadata = async (own: JobApp): Promise<Readonly<Record<string, unknown>>> => {
    const request = new Request("http://localhost/");
    const target = "/v1.0/metadata";
    const response = await host.runtime.fetch(request, { app: own.app, target, rawHeaders: [] });
    return (await response.json()) as Record<string, unknown>;
  };
  it("names a scheduler, which clients wait for, where the app may have jobs", async () => {
    const address = "127.0.0.1:0";
    expect((await metadata(app))["scheduler"]).toEqual({ connected_addresses: [address] });
    const { scheduler } = await app.grpc.unary("GetMetadata");
    expect(scheduler.connectedAddresses).toEqual([address]);
    const without = await host.app({ appId: "off", coordination: jobsInMemory({ jobs: false }) });
    expect((await metadata(without))["scheduler"]).toBeUndefined();
    expect((await without.grpc.unary("GetMetadata")).scheduler).toBeUndefined();
  });
});

describe("jobs are the app's own", () => {
  it("and no other app's, nor another namespace's, whatever they are called", async () => {
    const owners = [
      { appId: "shop", namespace: "a" },
      { appId: "shop2", namespace: "a" },
      { appId: "sho", namespace: "a" },
      { appId: "shop", namespace: "a||shop" },
      { appId: "shop||shop", namespace: "a" },
      { appId: "shop", namespace: "" },
    ];
    const apps = await Promise.all(owners.map((owner) => host.app(owner)));
    for (const [i, each] of apps.entries())
      expect((await each.http("POST", "job", { dueTime: "1h", data: i })).status).toBe(204);
    for (const [i, each] of apps.entries()) {
      expect((await each.http("GET", "job")).json).toMatchObject({ data: { value: i } });
      expect((await each.grpc.unary("ListJobs")).jobs).toHaveLength(1);
    }
    await apps[0]?.grpc.unary("DeleteJobsByPrefix");
    await apps[1]?.http("DELETE", "job");
    expect(
      await Promise.all(apps.map(async (each) => (await each.http("GET", "job")).status)),
    ).toEqual([500, 500, 200, 200, 200, 200]);
  });
  it("shared by apps of the namespace default and of none", async () => {
    const one = await host.app({ appId: "same", namespace: "" });
    const two = await host.app({ appId: "same", namespace: "default", instance: "2" });
    await one.http("POST", "job", { dueTime: "1h" });
    expect((await two.http("GET", "job")).status).toBe(200);
  });
});

describe("without a scheduler", () => {
  it.each([
    ["the target has none", undefined],
    ["jobs are turned off", jobsInMemory({ jobs: false })],
  ])("calls say so: %s", async (what, coordination) => {
    const own = await host.app({ appId: what, coordination });
    for (const [method, code, verb] of [
      ["POST", "DAPR_SCHEDULER_SCHEDULE_JOB", "schedule"],
      ["GET", "DAPR_SCHEDULER_GET_JOB", "get"],
      ["DELETE", "DAPR_SCHEDULER_DELETE_JOB", "delete"],
    ] as const)
      expect(
        await own.http(method, "j", method === "POST" ? { dueTime: "1h" } : undefined),
      ).toMatchObject({
        status: 500,
        json: {
          errorCode: code,
          message: `failed to ${verb} job due to: scheduler clients are disabled`,
          details: [{ reason: code, metadata: { appID: what, namespace: "default" } }],
        },
      });
    expect(await grpcError(own.grpc.unary("ListJobs"))).toMatchObject({
      code: "DAPR_SCHEDULER_LIST_JOBS",
      message: "failed to list jobs due to: scheduler clients are disabled",
    });
    expect(await grpcError(own.grpc.unary("DeleteJobsByPrefix"))).toMatchObject({
      code: "DAPR_SCHEDULER_DELETE_JOB",
    });
    expect(host.log.of("warn").filter((line) => line.startsWith("Jobs are off"))).not.toEqual([]);
  });
  it("that can be reached, calls end with what is wrong with it", async () => {
    const nowhere = jobsInMemory({ driver: { type: "coordination.nowhere", metadata: {} } });
    const own = await host.app({ appId: "nowhere", coordination: nowhere });
    expect((await own.http("POST", "j", { dueTime: "1h" })).json["message"]).toMatch(
      /^failed to schedule job due to: .*coordination\.nowhere/,
    );
    // A bad request needs nobody.
    expect((await own.http("POST", "j", { dueTime: "x" })).json["message"]).toContain(
      "due time format not recognized",
    );
  });
});
