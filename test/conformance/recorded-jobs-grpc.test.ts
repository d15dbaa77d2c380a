import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe } from "vitest";
import { JobEventRequestSchema } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/appcallback_pb.js";
import { coordinatedNode } from "#test/support/coordinated-node.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { type JobEventCall, jobEventApp } from "#test/support/job-event-app.ts";
import { RecordedApp, type Scenario } from "./recorded-app.ts";
import { expectAsRecorded, readRecorded } from "./recorded-durable.ts";
import { parsedBody, type RecordedRpc, requestOf, shown, wantedRpc } from "./recorded-rpc.ts";
import { recordedView } from "./recorded-view.ts";

/** A job in the form of protobufjs. */
interface RecordedJob {
  readonly data?: { readonly typeUrl: string };
}
const gaps = "recorded-jobs.txt";
const speed = 6;
/** What the recording waited for an app to be called, and half of it more. */
const pause = (ms: number): Promise<void> => delay((ms * 1.5) / speed);

describe("recorded daprd, jobs over gRPC", () => {
  const steps = readRecorded<readonly RecordedRpc[]>("grpc.daprd-1.18.json").filter(({ name }) =>
    name.startsWith("job"),
  );
  const ours = new Map<RecordedRpc, object>();

  beforeAll(async () => {
    await using app = await RecordedApp.listen(readRecorded<Scenario>("jobs.scenario.json"));
    await using node = coordinatedNode({ speed });
    const served = [
      await node.serve("app", { port: app.port, protocol: "http" }),
      await node.serve("other"),
    ];
    const clients = served.map(({ grpcPort }) => wireClient(grpcPort));
    for (const step of steps) {
      app.take();
      const client = clients[step.via ?? 0] as (typeof clients)[number];
      const ended = await client.unary(step.method, requestOf(step.method, step.request));
      if (step.appSaw) await pause(900);
      const appSaw = app.take();
      ours.set(step, {
        ...shown(step.method, ended),
        ...(appSaw.length > 0 ? { appSaw: appSaw.map(parsedBody) } : {}),
      });
    }
    for (const client of clients) client[Symbol.dispose]();
  }, 60_000);
  expectAsRecorded(steps, gaps, wantedRpc, (step) => ours.get(step) as object);
});

describe("recorded daprd, jobs of an app that speaks gRPC", () => {
  interface Run extends Omit<RecordedRpc, "request" | "appSaw"> {
    readonly request: RecordedJob;
    readonly appSaw: readonly object[];
  }
  const steps = readRecorded<readonly Run[]>("jobs-app.daprd-1.18.json");
  const ours = new Map<Run, object>();
  let saw: object[] = [];
  let hasStable = false;
  const codes: Record<string, number[]> = { flaky: [13, 14, 0], drop: [13] };
  const answer = ({ rpc, request, metadata }: JobEventCall): number => {
    if (rpc === "OnJobEvent" && !hasStable) {
      saw.push({ rpc, unimplemented: true });
      return status.UNIMPLEMENTED;
    }
    saw.push({ rpc, metadata, request: recordedView(JobEventRequestSchema, request) });
    const code = /^c(\d+)$/.exec(request.name)?.[1];
    return code === undefined ? (codes[request.name]?.shift() ?? 0) : Number(code);
  };

  beforeAll(async () => {
    await using app = await jobEventApp(answer);
    await using node = coordinatedNode({ speed });
    const { grpcPort } = await node.serve("app", { port: app.port, protocol: "grpc" });
    using client = wireClient(grpcPort);
    for (const step of steps) {
      hasStable = !step.name.startsWith("only the older rpc");
      saw = [];
      const { data, ...job } = step.request;
      const value = data && valueOf(data.typeUrl);
      const recorded = value ? { ...job, data: { type_url: data.typeUrl, value } } : job;
      const ended = await client.unary(
        "ScheduleJob",
        requestOf("ScheduleJob", { job: { dueTime: "0s", ...recorded } }),
      );
      await pause(/flaky|recurring/.test(step.name) ? 4500 : 1500);
      ours.set(step, { ...shown("ScheduleJob", ended), appSaw: saw });
    }
  }, 60_000);
  afterAll(() => (saw = []));
  expectAsRecorded(
    steps,
    gaps,
    ({ code, response, appSaw }) => ({ code, response, appSaw }),
    (step) => ours.get(step) as object,
  );
});

/** The recording leaves out what its messages held. */
function valueOf(typeUrl: string): string {
  const values: Record<string, string> = {
    StringValue: "\n\u0005hello",
    BytesValue: "\n\u0003raw",
    Int64Value: "\b{",
    BoolValue: "\b\u0001",
    Type: "own bytes",
  };
  const value = values[typeUrl.split(".").at(-1) as string];
  if (value !== undefined) return Buffer.from(value).toString("base64");
  // google.protobuf.Value of {"a": 1}
  return "KhAKDgoBYRIJEQAAAAAAAPA/";
}
