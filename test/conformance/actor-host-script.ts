import { setTimeout as delay } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  type SubscribeActorEventsRequestInitialAlpha1Schema,
  type SubscribeActorEventsResponseAlpha1,
  SubscribeActorEventsResponseAlpha1Schema,
} from "#core/wire/grpc/gen/dapr/proto/runtime/v1/actor_streams_pb.js";
import { type ActorStream, actorStream } from "#test/support/actor-stream.ts";
import type { WireClient } from "#test/support/grpc-client.ts";
import { recordedView } from "./recorded-view.ts";

type Initial = MessageInitShape<typeof SubscribeActorEventsRequestInitialAlpha1Schema>;
type Received = SubscribeActorEventsResponseAlpha1["responseType"];
type Invoke = Extract<Received, { case: "invokeRequest" }>["value"];

/** What the app of the recording hosts. */
export const initial: Readonly<Record<"plain" | "configured" | "badDepth", Initial>> = {
  plain: { entities: ["G1", "G2", "G3"], actorIdleTimeout: { seconds: 3600n } },
  configured: {
    entities: ["G1", "G2", "G3"],
    actorIdleTimeout: { seconds: 3600n },
    drainOngoingCallTimeout: { seconds: 1n },
    drainRebalancedActors: true,
    entitiesConfig: [
      { entities: ["G2"], actorIdleTimeout: { seconds: 2n } },
      { entities: ["G3"], reentrancy: { enabled: true, maxStackDepth: 2 } },
    ],
  },
  badDepth: { entities: ["G0"], reentrancy: { enabled: true, maxStackDepth: -1 } },
};

/** The app of the recording of hosts over gRPC: its streams by their names, and what they got. */
export interface ScriptedHosts {
  /** Some of its answers depend on the step. */
  before(step: string): void;
  open(name: string): ActorStream;
  get(name: string): ActorStream;
  /** What has come since it was last taken. */
  take(): object[];
}

export function createScriptedHosts(
  client: WireClient,
  scaled: (ms: number) => number,
): ScriptedHosts {
  const streams = new Map<string, ActorStream>();
  const got: object[] = [];
  let step = "";
  let refusals = 0;
  const fail = (stream: ActorStream, id: string, code: number, message: string): void =>
    stream.send({ case: "requestFailed", value: { id, code, message } });
  const answer = (stream: ActorStream, id: string, text: string): void =>
    stream.send({ case: "invokeResponse", value: { id, data: Buffer.from(text) } });

  /** What a method answers; the others echo. */
  const methods: Record<string, (request: Invoke, stream: ActorStream) => unknown> = {
    err: ({ id }, stream) =>
      stream.send({
        case: "invokeResponse",
        value: {
          id,
          data: Buffer.from("told as an error"),
          error: true,
          metadata: { "x-app": "yes", "content-type": "text/plain" },
        },
      }),
    fail: ({ id }, stream) => {
      const code = Number(/\d+/.exec(step)?.[0]);
      fail(stream, id, code, `failed with ${code}`);
    },
    mix: ({ id }, stream) => stream.send({ case: "timerResponse", value: { id } }),
    unk: ({ id }, stream) => {
      answer(stream, "4711", "");
      answer(stream, id, "late");
    },
    twice: ({ id }, stream) => {
      answer(stream, id, "1");
      answer(stream, id, "2");
    },
    slow: async ({ id }, stream) => {
      await delay(scaled(300));
      answer(stream, id, "");
    },
    nest: async ({ id, metadata }, stream) => {
      const { code } = await client.unary("InvokeActor", {
        actorType: "G3",
        actorId: "a",
        method: "echo",
        metadata: { "Dapr-Reentrancy-Id": metadata["Dapr-Reentrancy-Id"] ?? "" },
      });
      answer(stream, id, status[code] as string);
    },
    hang: () => {},
  };
  function respond(request: Received, stream: ActorStream): void {
    if (request.case === undefined || request.case === "initialResponse") return;
    const { id } = request.value;
    switch (request.case) {
      case "invokeRequest": {
        const { method, data } = request.value;
        const run = methods[method];
        if (run) return void run(request.value, stream);
        return stream.send({
          case: "invokeResponse",
          value: { id, data, metadata: { "x-app": "yes" } },
        });
      }
      case "reminderRequest":
      case "timerRequest": {
        const { name } = request.value;
        const answered = request.case === "timerRequest" ? "timerResponse" : "reminderResponse";
        return name.endsWith("-fail")
          ? fail(stream, id, 13, "no")
          : stream.send({ case: answered, value: { id, cancel: name.endsWith("-cancel") } });
      }
      case "deactivateRequest":
        if (step === "deactivation refused" && refusals++ === 0)
          return fail(stream, id, 13, "cannot");
        return stream.send({ case: "deactivateResponse", value: { id } });
    }
  }
  return {
    before: (name) => void (step = name),
    open: (name) => {
      const stream = actorStream(client.client, (message, from) => {
        const view = recordedView(SubscribeActorEventsResponseAlpha1Schema, message) as object;
        got.push({ stream: name, ...view });
        respond(message.responseType, from);
      });
      void stream.ended.then(({ code, details }) => {
        if (code !== status.OK) got.push({ stream: name, ended: status[code], message: details });
      });
      streams.set(name, stream);
      return stream;
    },
    get: (name) => streams.get(name) as ActorStream,
    take: () => got.splice(0),
  };
}
