import { afterEach, describe, expect, it } from "vitest";
import { freePort } from "#test/support/free-port.ts";
import { eventually } from "#test/support/eventually.ts";
import { answerOf, pathOfRpc, requestOf } from "#test/support/rpc-stream.ts";
import { rpcFrom } from "#test/support/node-rpc.ts";
import {
  callFrom,
  hostIp,
  podApp,
  putPod,
  type TestNode,
  testNode,
} from "#test/support/node-cluster.ts";
import { testCa } from "#test/support/test-ca.ts";

let runtime: TestNode | undefined;
afterEach(async () => {
  await runtime?.[Symbol.asyncDispose]();
  runtime = undefined;
});
const metadata = (from: string, token: string) =>
  callFrom(from, (runtime as TestNode).port("http"), "/v1.0/metadata", { token });

describe("a runtime as a Deployment", () => {
  it("serves the pods of its namespaces, on whichever node they are, and no others", async () => {
    runtime = await testNode({ more: { scope: { namespaces: ["shop", "bank"] }, hostIp: "" } });
    const { api } = runtime;
    const near = putPod(api, { name: "near", ip: "127.0.0.11", node: "node-1" });
    const far = putPod(api, { name: "far", namespace: "bank", ip: "127.0.0.12", node: "node-9" });
    const other = putPod(api, { name: "other", namespace: "else", ip: "127.0.0.13" });
    await runtime.ready;
    for (const [pod, id] of [
      [near, "near"],
      [far, "far"],
    ] as const)
      expect(JSON.parse((await metadata(pod.ip, pod.token)).body)).toMatchObject({ id });
    expect((await metadata(other.ip, other.token)).status).toBe(403);
    expect((await metadata(far.ip, near.token)).status).toBe(401);
  });
  it("tells callers by their tokens where their addresses say nothing, over HTTP and gRPC", async () => {
    runtime = await testNode({ more: { scope: { namespaces: [] }, checkSourceIp: false } });
    const one = putPod(runtime.api, { name: "one", ip: "10.1.0.1", node: "n" });
    const two = putPod(runtime.api, { name: "two", namespace: "bank", ip: "10.1.0.2", node: "n" });
    await runtime.ready;
    const grpc = { host: hostIp, port: runtime.port("grpc") };
    for (const { token, pod } of [one, two, one]) {
      const { body } = await metadata("127.0.0.21", token);
      expect(JSON.parse(body)).toMatchObject({ id: pod.metadata.name });
      const headers = { "dapr-api-token": token };
      const asked = [pathOfRpc("GetMetadata"), requestOf("GetMetadata", {}), headers] as const;
      const { status, message } = await rpcFrom("127.0.0.21", grpc, ...asked);
      expect([status, answerOf("GetMetadata", message).id]).toEqual([0, pod.metadata.name]);
    }
  });
  it.each([
    ["all addresses", ""],
    ["one address", hostIp],
  ])("calls from app to app of several groups at %s, not at their nodes", async (_, address) => {
    await using ca = await testCa({ validator: async (asked) => ({ proven: asked }) });
    runtime = await testNode({
      ports: { internal: await freePort() },
      more: { scope: { namespaces: [] }, hostIp: address, ...ca.forNodes },
    });
    const { api } = runtime;
    await using app = await podApp("127.0.0.12", 0, (path, _body, headers) => ({
      path,
      caller: headers["dapr-caller-app-id"],
      namespace: headers["dapr-caller-namespace"],
    }));
    const web = putPod(api, { name: "web", ip: "127.0.0.11", node: "n1", hostIp: "192.0.2.1" });
    putPod(api, {
      name: "vault",
      namespace: "bank",
      ip: "127.0.0.12",
      node: "n2",
      hostIp: "192.0.2.2",
      annotations: { "dapr.io/app-port": String(app.port) },
    });
    await runtime.ready;
    const port = runtime.port("http");
    const call = () =>
      callFrom(web.ip, port, "/v1.0/invoke/vault.bank/method/open", { token: web.token });
    await eventually(async () => (await call()).status === 200);
    expect(JSON.parse((await call()).body)).toEqual({
      path: "/open",
      caller: "web",
      namespace: "shop",
    });
    const groups = runtime.groups().map(({ name }) => name);
    expect(groups.toSorted()).toEqual(["namespace/bank", "namespace/shop"]);
  });
  it("takes connections for a while after it was told to end, unready", async () => {
    runtime = await testNode({ more: { scope: { namespaces: [] }, lingerMs: 1000 } });
    const pod = putPod(runtime.api, { name: "a", ip: "127.0.0.11", node: "n" });
    await runtime.ready;
    const health = runtime.port("health");
    const began = Date.now();
    const stopped = runtime.stop();
    await expect(callFrom(hostIp, health, "/readyz")).rejects.toThrow("ECONNREFUSED");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await metadata(pod.ip, pod.token)).status).toBe(200);
    await stopped;
    expect(Date.now() - began).toBeGreaterThan(990);
    await expect(metadata(pod.ip, pod.token)).rejects.toThrow("ECONNREFUSED");
  });
  it("serves all namespaces where none is named", async () => {
    runtime = await testNode({ more: { scope: { namespaces: [] } }, isolation: "shared" });
    const pod = putPod(runtime.api, { name: "a", namespace: "any", ip: "127.0.0.11", node: "n" });
    await runtime.ready;
    expect((await metadata(pod.ip, pod.token)).status).toBe(200);
    expect(runtime.groups().map(({ name }) => name)).toEqual(["shared"]);
  });
});
