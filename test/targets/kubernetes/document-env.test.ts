import { expect, it } from "vitest";
import { documentEnv } from "#targets/kubernetes/group/document-env.ts";
import { callFrom, putPod, testNode } from "#test/support/node-cluster.ts";
import { eventually } from "#test/support/eventually.ts";

it("documents may refer to what DAPR_ENV_KEYS names, and to nothing else of the runtime's environment", () => {
  const env = {
    HTTPS_PROXY: "http://user:password@proxy",
    REGION: "eu",
    POD_NAME: "node-1",
    A: "1",
  };
  expect(documentEnv(env)).toEqual({ POD_NAME: "node-1" });
  const some = { ...env, DAPR_ENV_KEYS: "REGION  ABSENT" };
  expect(documentEnv(some)).toEqual({
    POD_NAME: "node-1",
    REGION: "eu",
    DAPR_ENV_KEYS: "REGION  ABSENT",
  });
});

it("a namespace's Component sees nothing of the environment of its node's runtime", async () => {
  await using node = await testNode();
  node.api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace: "shop", name: "env" },
    spec: { type: "secretstores.local.env", version: "v1", metadata: [] },
  } as never);
  const pod = putPod(node.api, { name: "cart", ip: "127.0.0.11" });
  await node.ready;
  const ask = (path: string) => callFrom(pod.ip, node.port("http"), path, { token: pod.token });
  const all = await eventually(async () => {
    const { status, body } = await ask("/v1.0/secrets/env/bulk");
    return status === 200 && (JSON.parse(body) as object);
  });
  expect(Object.keys(all).filter((name) => name !== "POD_NAME")).toEqual([]);
  node.api.put({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { namespace: "shop", name: "curious" },
    spec: {
      type: "state.sqlite",
      version: "v1",
      metadata: [{ name: "connectionString", envRef: "PATH" }],
    },
  } as never);
  await eventually(async () => {
    const { body } = await ask("/v1.0/metadata");
    return body.includes("outrigger.components.failed") && body.includes("curious");
  });
}, 30_000);
