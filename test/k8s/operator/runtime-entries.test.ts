import { afterEach, describe, expect, it } from "vitest";
import type { KubeObject } from "#k8s/api/objects.ts";
import { eventually } from "#test/support/eventually.ts";
import { putPod, type TestNode, testNode } from "#test/support/node-cluster.ts";

const path = "/apis/dapr.io/v1alpha1/namespaces/shop/components/broken";
const component = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { name: "broken", namespace: "shop" },
  spec: { type: "state.nothing", version: "v1" },
} as KubeObject;

let runtime: TestNode | undefined;
afterEach(async () => {
  await runtime?.[Symbol.asyncDispose]();
  runtime = undefined;
});
const entries = (): readonly string[] =>
  (
    runtime?.api.get(path) as { status?: { nodes?: ReadonlyArray<{ node: string }> } } | undefined
  )?.status?.nodes?.map(({ node }) => node) ?? [];
/** A runtime with an app, which has said that the component does not open. */
async function started(...[options]: Parameters<typeof testNode>): Promise<TestNode> {
  runtime = await testNode(options);
  runtime.api.put(component);
  putPod(runtime.api, { name: "cart", ip: "127.0.0.11" });
  await runtime.ready;
  await eventually(() => entries().length === 1, { withinMs: 15_000 });
  return runtime;
}

describe("the entries of a runtime", () => {
  it("end with it where it is a replica, whose name never comes again", async () => {
    const { stop } = await started({
      more: { scope: { namespaces: ["shop"] }, hostIp: "", instance: "outrigger-node-abc" },
    });
    expect(entries()).toEqual(["outrigger-node-abc"]);
    await stop();
    expect(entries()).toEqual([]);
  });
  it("stay for the next runtime of a node, and come again with a component that is made anew", async () => {
    const { api, stop } = await started();
    api.remove(path);
    api.put(component);
    expect(entries()).toEqual([]);
    await eventually(() => entries().length === 1, { withinMs: 15_000 });
    await stop();
    expect(entries()).toEqual(["node-1"]);
  });
});
