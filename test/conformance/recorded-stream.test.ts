import { setTimeout as delay } from "node:timers/promises";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { beforeAll, describe } from "vitest";
import { type Rpc, rpcs } from "#core/wire/grpc/rpcs.ts";
import { coordinatedNode } from "#test/support/coordinated-node.ts";
import { type Ended, type WireClient, wireClient } from "#test/support/grpc-client.ts";
import { createScriptedHosts, initial, type ScriptedHosts } from "./actor-host-script.ts";
import { expectAsRecorded, expectNoOtherGaps, readRecorded } from "./recorded-durable.ts";
import { recordedView } from "./recorded-view.ts";

interface Recorded {
  readonly name: string;
  readonly request: RecordedRequest;
  readonly answer?: unknown;
  readonly streamGot: readonly object[];
}
interface RecordedRequest {
  readonly rpc?: Rpc;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string;
  readonly [name: string]: unknown;
}
const gaps = "recorded-actors-stream.txt";
const speed = 6;
/** A time of the recording. */
const scaled = (ms: number): number => ms / speed;
/** What the recording waited for, and half of it more. */
const pause = (ms: number): Promise<void> => delay(scaled(ms) * 1.5);

/** How long the recording waited after a call, where it was more than a moment. */
const waits: ReadonlyArray<readonly [RegExp, number]> = [
  [/^reminder (json|text|none|by HTTP)|^timer (json|text|none|by HTTP)/, 1000],
  [/^timer that cancels/, 1700],
  [/^that timer/, 600],
  [/^reminder that (cancels$|fails)/, 3000],
  [/^timer that fails/, 2000],
  [/^quick|^deactivation refused|^after refused/, 3500],
];

describe("recorded daprd, a host of actors over gRPC", () => {
  // The order of its two requests differed between two recordings.
  const steps = readRecorded<readonly Recorded[]>("stream.daprd-1.18.json").filter(
    ({ name }) => name !== "two actors at once",
  );
  const ours = new Map<Recorded, object>();

  beforeAll(async () => {
    await using node = coordinatedNode({
      speed,
      resources: `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: statestore }
spec: { type: state.in-memory, version: v1, metadata: [{ name: actorStateStore, value: "true" }] }`,
    });
    const { httpPort, grpcPort } = await node.serve("gact");
    using client = wireClient(grpcPort);
    const hosts = createScriptedHosts(client, scaled);
    const special = specialSteps(hosts, client);
    for (const step of steps) {
      hosts.before(step.name);
      const run = special[step.name] ?? (() => called(step.request, client, httpPort));
      const answer = await run();
      await pause(waits.find(([name]) => name.test(step.name))?.[1] ?? 150);
      ours.set(step, shown({ answer, streamGot: hosts.take() }));
    }
  }, 120_000);
  expectAsRecorded(steps, gaps, shown, (step) => ours.get(step) as object);
  expectNoOtherGaps(gaps, steps);
});

/** The steps that are more than a call. */
function specialSteps(
  hosts: ScriptedHosts,
  client: WireClient,
): Readonly<Record<string, () => Promise<unknown>>> {
  const invoke = async (method: string, deadlineMs?: number): Promise<object> => {
    const request = { actorType: "G1", actorId: "a", method, data: Buffer.from('{"n":1}') };
    const options = deadlineMs === undefined ? {} : { deadlineMs: scaled(deadlineMs) };
    return answerOf("InvokeActor", await client.unary("InvokeActor", request, options));
  };
  const open = (name: string, request = initial.plain) => {
    const stream = hosts.open(name);
    stream.send({ case: "initialRequest", value: request });
    return stream;
  };
  const opened =
    (name: string, request = initial.plain) =>
    async () => {
      open(name, request);
      await pause(1000);
    };
  const closed = (name: string) => async () => {
    hosts.get(name).cancel();
    await hosts.get(name).ended;
    await pause(1000);
  };
  return {
    "first message is not the initial one": async () => {
      const stream = hosts.open("wrong");
      stream.send({ case: "invokeResponse", value: { id: "1" } });
      await stream.ended;
    },
    "initial request without types": async () => {
      const stream = open("none", {});
      await pause(500);
      stream.hangUp();
      await stream.ended;
    },
    "initial request with bad depth": async () => {
      const stream = open("depth", initial.badDepth);
      await pause(500);
      stream.hangUp();
      await stream.ended;
    },
    open: opened("main", initial.configured),
    "second initial request": async () => {
      const stream = open("again", { entities: ["G1"] });
      await pause(300);
      stream.send({ case: "initialRequest", value: { entities: ["G9"] } });
      await pause(800);
      stream.cancel();
      await stream.ended;
    },
    reopen: async () => {
      await closed("main")();
      await opened("main", initial.configured)();
    },
    "answer of another kind": () => invoke("mix"),
    "two turns of one actor": () => Promise.all([invoke("slow"), invoke("slow")]),
    "the stream ends in mid-call": async () => {
      const answer = invoke("hang", 6000);
      await pause(400);
      await closed("main")();
      return answer;
    },
    "call without a host": () => invoke("echo", 4000),
    "open again": opened("main"),
    "a second stream": opened("second"),
    "the second closes": closed("second"),
    "call after the newest stream left": () => invoke("echo", 4000),
    "third stream": opened("third"),
  };
}

async function called(
  { rpc, ...rest }: RecordedRequest,
  client: WireClient,
  httpPort: number,
): Promise<object> {
  if (rpc) return answerOf(rpc, await client.unary(rpc, requestOf(rest)));
  const { method = "GET", path = "", body } = rest;
  const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: { "x-mine": "v", ...(body ? { "content-type": "application/json" } : {}) },
  });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    app: response.headers.get("x-app"),
    body: await response.text(),
  };
}

/** From the form of protobufjs to that of our library. */
function requestOf(request: Omit<RecordedRequest, "rpc">): object {
  const { data, operations, failurePolicy } = request as {
    readonly data?: string;
    readonly operations?: ReadonlyArray<{
      readonly value: { readonly type_url: string; readonly value: string };
    }>;
    readonly failurePolicy?: { readonly constant: { readonly interval: { seconds: number } } };
  };
  return {
    ...request,
    ...(data === undefined ? {} : { data: Buffer.from(data, "base64") }),
    ...(operations
      ? {
          operations: operations.map(({ value, ...operation }) => ({
            ...operation,
            value: { typeUrl: value.type_url, value: Buffer.from(value.value, "base64") },
          })),
        }
      : {}),
    ...(failurePolicy
      ? {
          failurePolicy: {
            policy: {
              case: "constant",
              value: {
                ...failurePolicy.constant,
                interval: { seconds: BigInt(failurePolicy.constant.interval.seconds) },
              },
            },
          },
        }
      : {}),
  };
}

function answerOf(rpc: Rpc, { code, message, response }: Ended): object {
  if (code === status.DEADLINE_EXCEEDED) return { code: "NO_ANSWER" };
  if (code !== status.OK) return { code: status[code], message, details: [] };
  const output = rpcs.get(rpc)?.output as DescMessage;
  return { code: "OK", response: recordedView(output, response as Message) };
}

type Shown = Pick<Recorded, "answer" | "streamGot">;
/** A step as it is compared: requests by their place in the step, as some steps call us more or less often. */
function shown({ answer = null, streamGot }: Shown): object {
  const firstIds = new Map<string, number>();
  const got = streamGot.map((message) =>
    Object.fromEntries(
      Object.entries(message).map(([name, value]: [string, unknown]) => [
        name,
        typeof value === "object" && value !== null && "id" in value
          ? requestView(value as RequestView, (message as { stream: string }).stream, firstIds)
          : value,
      ]),
    ),
  );
  return { answer: answerView(answer), streamGot: got };
}

interface RequestView {
  readonly id: string;
  readonly metadata?: Readonly<Record<string, string>>;
}
const noise = new Set(
  "accept accept-encoding accept-language connection content-length grpc-trace-bin host sec-fetch-mode traceparent user-agent".split(
    " ",
  ),
);
const uuid = /[0-9a-f]{8}-[0-9a-f-]{27}/;
/** Dapr: names of headers come in the spelling of whoever sent them, so they are compared in lower case. */
function requestView(
  { id, metadata, ...rest }: RequestView,
  stream: string,
  firstIds: Map<string, number>,
): object {
  const first = firstIds.get(stream) ?? Number(id);
  firstIds.set(stream, first);
  if (!metadata) return { ...rest, id: Number(id) - first };
  const kept = Object.entries(metadata)
    .map(([name, value]) => [name.toLowerCase(), value.replace(uuid, "<uuid>")] as const)
    .filter(([name]) => !noise.has(name));
  return { ...rest, id: Number(id) - first, metadata: Object.fromEntries(kept) };
}

/** Of the metadata, what they show of actors. */
function answerView(answer: unknown): unknown {
  const { response } = (answer ?? {}) as { readonly response?: Readonly<Record<string, unknown>> };
  if (!response?.["actorRuntime"]) return answer;
  const { actorRuntime, activeActorsCount } = response;
  return { actorRuntime, activeActorsCount };
}
