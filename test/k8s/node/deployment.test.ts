import { afterEach, describe, expect, it } from "vitest";
import { callFrom, putPod, type TestNode, testNode } from "#test/support/node-cluster.ts";

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
  it("serves all namespaces where none is named", async () => {
    runtime = await testNode({ more: { scope: { namespaces: [] } }, isolation: "shared" });
    const pod = putPod(runtime.api, { name: "a", namespace: "any", ip: "127.0.0.11", node: "n" });
    await runtime.ready;
    expect((await metadata(pod.ip, pod.token)).status).toBe(200);
    expect(runtime.groups().map(({ name }) => name)).toEqual(["shared"]);
  });
});
