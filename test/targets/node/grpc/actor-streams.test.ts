import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SubscribeActorEventsResponseAlpha1 } from "#core/wire/grpc/gen/dapr/proto/runtime/v1/actor_streams_pb.js";
import { type ActorStream, actorStream } from "#test/support/actor-stream.ts";
import {
  type CoordinatedNode,
  coordinatedNode,
  type ServedApp,
} from "#test/support/coordinated-node.ts";
import { eventually } from "#test/support/eventually.ts";
import { type WireClient, wireClient } from "#test/support/grpc-client.ts";

type Request = SubscribeActorEventsResponseAlpha1["responseType"];
interface Host extends ActorStream {
  readonly got: Request[];
  /** Answers a request with its own name. */
  answer(request: Request): void;
}

const resources = `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: statestore }
spec: { type: state.in-memory, version: v1, metadata: [{ name: actorStateStore, value: "true" }] }`;
let undo: AsyncDisposableStack;
let node: CoordinatedNode;
beforeEach(() => {
  undo = new AsyncDisposableStack();
  node = undo.use(coordinatedNode({ resources }));
});
afterEach(() => undo.disposeAsync());

async function served(
  appId: string,
  app?: { readonly port: number; readonly protocol: "http" | "grpc" },
): Promise<ServedApp & { readonly client: WireClient }> {
  const ports = await node.serve(appId, app);
  return { ...ports, client: undo.use(wireClient(ports.grpcPort)) };
}

/** A host of the type `T`, which answers at once unless it is `slow`. */
async function host(
  { client }: WireClient,
  name: string,
  { slow = false, entities = ["T"] } = {},
): Promise<Host> {
  const got: Request[] = [];
  const answer = (request: Request): void => {
    if (request.case === "invokeRequest")
      stream.send({
        case: "invokeResponse",
        value: { id: request.value.id, data: Buffer.from(name) },
      });
    else if (request.case === "deactivateRequest")
      stream.send({ case: "deactivateResponse", value: { id: request.value.id } });
  };
  const stream = actorStream(client, ({ responseType }) => {
    got.push(responseType);
    if (!slow) answer(responseType);
  });
  stream.send({ case: "initialRequest", value: { entities } });
  await eventually(() => got[0]?.case === "initialResponse");
  return { ...stream, got, answer };
}
const invoke = async (client: WireClient, actorId = "a", deadlineMs?: number) => {
  const { code, message, response } = await client.unary(
    "InvokeActor",
    { actorType: "T", actorId, method: "m" },
    deadlineMs === undefined ? {} : { deadlineMs },
  );
  if (code !== status.OK) return [status[code], message];
  return Buffer.from((response as { readonly data: Uint8Array }).data).toString();
};
const isInvoke = (request: Request): boolean => request.case === "invokeRequest";

describe("a host of actors over gRPC", () => {
  it("serves the calls of other apps, too, as long as it is there", async () => {
    const { client } = await served("hosting");
    const { client: other } = await served("other");
    const stream = await host(client, "first");
    expect(await invoke(other)).toBe("first");
    stream.hangUp();
    expect(await stream.ended).toEqual({ code: status.OK, details: "OK" });
    expect(await invoke(other)).toEqual([
      "FAILED_PRECONDITION",
      "failed to lookup actor: api error: code = FailedPrecondition desc = did not find address for actor 'T/a'",
    ]);
  });
  it("is waited for by calls of its own app, until their deadlines", async () => {
    const { client } = await served("hosting");
    const stream = await host(client, "first");
    stream.cancel();
    await stream.ended;
    await eventually(async () => {
      const { response } = await client.unary("GetMetadata", {});
      return (
        (response as { actorRuntime: { hostReady: boolean } }).actorRuntime.hostReady === false
      );
    });
    expect(await invoke(client, "a", 300)).toEqual(["DEADLINE_EXCEEDED", expect.anything()]);
    const waiting = invoke(client);
    await host(client, "second");
    expect(await waiting).toBe("second");
  });
  it("ends the calls that it was sent, while a newer one gets the next", async () => {
    const { client } = await served("hosting");
    const older = await host(client, "older", { slow: true });
    const sent = invoke(client, "a");
    const request = await eventually(() => older.got.find(isInvoke));
    const newer = await host(client, "newer");
    expect(await invoke(client, "b")).toBe("newer");
    older.answer(request);
    expect(await sent).toBe("older");
    expect(await invoke(client, "a")).toBe("newer");
    newer.cancel();
    await newer.ended;
    const last = invoke(client, "c");
    const again = await eventually(() => older.got.filter(isInvoke)[1]);
    older.answer(again);
    expect(await last).toBe("older");
  });
  it("is told that its actors leave before the app ends", async () => {
    const { client, stop } = await served("hosting");
    const stream = await host(client, "first");
    await invoke(client);
    await stop();
    expect(stream.got.map((request) => request.case)).toEqual([
      "initialResponse",
      "invokeRequest",
      "deactivateRequest",
    ]);
    expect(await stream.ended).toEqual({
      code: status.UNAVAILABLE,
      details: "the app is stopping",
    });
  });
  it("cannot be an app with an HTTP port", async () => {
    const { client } = await served("hosting", { port: 1, protocol: "http" });
    const stream = actorStream(client.client, () => {});
    expect(await stream.ended).toEqual({
      code: status.FAILED_PRECONDITION,
      details: "actor callback streaming requires a gRPC app channel",
    });
  });
  it("can be an app with a gRPC port", async () => {
    const { client } = await served("hosting", { port: 1, protocol: "grpc" });
    await host(client, "first");
    expect(await invoke(client)).toBe("first");
  });
  it("must say first what it hosts, and does not keep an app that ends", async () => {
    const { client, stop } = await served("hosting");
    const hung = actorStream(client.client, () => {});
    const silent = actorStream(client.client, () => {});
    hung.hangUp();
    expect(await hung.ended).toEqual({
      code: status.INVALID_ARGUMENT,
      details: "first message must be SubscribeActorEventsRequestInitialAlpha1",
    });
    await stop();
    expect(await silent.ended).toMatchObject({ code: status.UNAVAILABLE });
  });
});
