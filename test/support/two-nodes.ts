import type { GroupCoordination } from "#targets/kubernetes/messages.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { serveKinds } from "./dapr-kinds.ts";
import { freePort } from "./free-port.ts";
import { putPod, type TestNode, testNode, type TestPod } from "./node-cluster.ts";
import { type TestCa, testCa } from "./test-ca.ts";

/** Two nodes of one double of Kubernetes, each at a loopback address, and an authority that both ask. */
export interface TwoNodes extends AsyncDisposable {
  readonly api: KubeApiDouble;
  readonly ca: TestCa;
  readonly nodes: readonly [NodeOfTwo, NodeOfTwo];
  /** The same on both. */
  readonly internalPort: number;
  /** Another runtime for a node. */
  runtime(name: string, ip: string): Promise<TestNode>;
}
export interface NodeOfTwo {
  readonly name: string;
  readonly ip: string;
  readonly runtime: TestNode;
  /** A pod of this node, as the injector leaves it. */
  put(options: Omit<Parameters<typeof putPod>[1], "node" | "hostIp">): TestPod;
}

export async function twoNodes({
  coordination,
  ...options
}: Partial<Parameters<typeof testCa>[0]> & {
  readonly coordination?: Omit<GroupCoordination, "host">;
} = {}): Promise<TwoNodes> {
  const api = await kubeApi();
  serveKinds(api);
  const ca = await testCa({ validator: async (asked) => ({ proven: asked }), ...options });
  const internalPort = await freePort();
  const runtime = (name: string, ip: string): Promise<TestNode> =>
    testNode({
      api,
      name,
      hostIp: ip,
      ports: { internal: internalPort },
      more: {
        ...ca.forNodes,
        ...(coordination ? { coordination: { ...coordination, host: ip } } : {}),
      },
    });
  const start = async (name: string, ip: string): Promise<NodeOfTwo> => ({
    name,
    ip,
    runtime: await runtime(name, ip),
    put: (pod) => putPod(api, { ...pod, node: name, hostIp: ip }),
  });
  const nodes = [await start("node-1", "127.0.0.1"), await start("node-2", "127.0.0.2")] as const;
  return {
    api,
    ca,
    nodes,
    internalPort,
    runtime,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map(({ runtime }) => runtime[Symbol.asyncDispose]()));
      await ca[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}
