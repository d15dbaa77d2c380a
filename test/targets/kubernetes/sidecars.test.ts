import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { eventually } from "#test/support/eventually.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { callFrom, podApp, type TestPod } from "#test/support/node-cluster.ts";
import { nodeApp } from "#test/support/node-runtime.ts";
import { findService } from "#test/support/services.ts";
import { type TwoNodes, twoNodes } from "#test/support/two-nodes.ts";

/** A pod of node 1 that brings a runtime of its own, as mode `sidecar` has it; here in this process, at this address. */
const sidecarIp = "127.0.0.1";
let two: TwoNodes;
let sidecar: NodeRuntime;
let web: TestPod;
const open: AsyncDisposable[] = [];

/** Hosts actors of one type; answers with what it was called with. */
const hostOf = (by: string, type: string, ip: string): ReturnType<typeof podApp> =>
  podApp(ip, 0, (path, _body, headers) =>
    path === "/dapr/config"
      ? { entities: [type] }
      : { by, path, caller: headers["dapr-caller-app-id"] },
  );

const redis = await findService("redis");
const coordination = {
  group: `test-${process.pid}-${Date.now()}`,
  driver: { type: "coordination.redis", metadata: { redishost: redis?.address ?? "" } },
};
/** Of a state store that keeps the state of actors. */
const store = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Component",
  metadata: { namespace: "shop", name: "store" },
  spec: {
    type: "state.redis",
    version: "v1",
    metadata: [
      { name: "redisHost", value: redis?.address },
      { name: "actorStateStore", value: "true" },
    ],
  },
};

beforeAll(async () => {
  two = await twoNodes(redis ? { coordination } : {});
  open.push(two);
  if (redis) two.api.put(store as never);
  const folder = await mkdtemp(join(tmpdir(), "outrigger-sidecar-"));
  open.push({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) });
  if (redis) await writeFile(join(folder, "store.yaml"), JSON.stringify(store));
  const [first, second] = two.nodes;
  const far = await hostOf("far", "far-type", "127.0.0.21");
  const own = await hostOf("own", "own-type", "127.0.0.31");
  open.push(far, own);
  web = first.put({ name: "web", ip: "127.0.0.11" });
  second.put({
    name: "far",
    ip: "127.0.0.21",
    annotations: { "dapr.io/app-port": String(far.port) },
  });
  const { mtls, env } = two.ca.forNodes;
  sidecar = await startNode({
    apps: [
      nodeApp({
        appId: "old",
        namespace: "shop",
        appPort: own.port,
        appChannelAddress: "127.0.0.31",
        internalAddress: sidecarIp,
        resourcesPaths: [folder],
        ...(redis
          ? { coordination: { ...coordination, actors: true, jobs: true, hasFile: false } }
          : {}),
        nameResolution: {
          component: "kubernetes",
          version: "v1",
          options: { template: `${first.ip}:${two.internalPort}` },
        },
        mtls: {
          sentryAddress: mtls?.sentryAddress ?? "",
          controlPlaneTrustDomain: mtls?.trustDomain ?? "",
          controlPlaneNamespace: mtls?.controlPlaneNamespace ?? "",
        },
      }),
    ],
    log: keptLog(),
    env,
    failOnComponentError: true,
    shutdown: () => {},
  });
  open.push({ [Symbol.asyncDispose]: () => sidecar.stop() });
  await sidecar.ready;
  first.put({
    name: "old",
    ip: sidecarIp,
    annotations: {
      "outrigger.dev/mode": "sidecar",
      "outrigger.dev/injected": "sidecar",
      "dapr.io/internal-grpc-port": String(sidecar.apps.get("old")?.internalPort),
    },
  });
  await Promise.all(two.nodes.map(({ runtime }) => runtime.ready));
}, 40_000);
afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]();
});

describe("pods with a sidecar beside pods without", () => {
  it("are called from shared runtimes at their own address", async () => {
    const answer = await eventually(async () => {
      const called = await callFrom(
        web.ip,
        two.nodes[0].runtime.port("http"),
        "/v1.0/invoke/old/method/hello",
        { token: web.token },
      );
      return called.status === 200 && called;
    });
    expect(JSON.parse(answer.body)).toEqual({ by: "own", path: "/hello", caller: "web" });
  });
  it("reach apps of other nodes by way of the runtime of their node", async () => {
    const port = sidecar.apps.get("old")?.httpPort as number;
    const answer = await eventually(async () => {
      const called = await callFrom(sidecarIp, port, "/v1.0/invoke/far/method/hi?x=1");
      return called.status === 200 && called;
    });
    expect(JSON.parse(answer.body)).toEqual({ by: "far", path: "/hi?x=1", caller: "old" });
    const nobody = await callFrom(sidecarIp, port, "/v1.0/invoke/nobody/method/hi");
    expect(nobody.status).toBe(500);
  });
  it.skipIf(!redis)("host actors for them, and call theirs", async () => {
    const call = (from: string, host: string, port: number, type: string, token = "") =>
      callFrom(from, port, `/v1.0/actors/${type}/a1/method/hi`, { host, token, method: "POST" });
    const [first, second] = two.nodes;
    const httpPort = sidecar.apps.get("old")?.httpPort as number;
    const answers = async (): Promise<readonly unknown[]> => {
      const all = await Promise.all([
        call(web.ip, first.ip, first.runtime.port("http"), "own-type", web.token),
        call(other.ip, second.ip, second.runtime.port("http"), "own-type", other.token),
        call(sidecarIp, first.ip, httpPort, "far-type"),
        call(sidecarIp, first.ip, httpPort, "own-type"),
      ]);
      return all.map(({ body }) => (JSON.parse(body) as { readonly by?: string }).by);
    };
    const other = second.put({ name: "other", ip: "127.0.0.22" });
    await eventually(async () => (await answers()).join() === "own,own,far,own", {
      withinMs: 10_000,
    });
  });
  it("are the only ones that a node passes connections on for", async () => {
    // From an address that no sidecar of the node has.
    const socket = connect({
      host: two.nodes[1].ip,
      port: two.internalPort,
      localAddress: "127.0.0.77",
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    const { connect: secure } = await import("node:tls");
    const { serverNameOf } = await import("#targets/node/peers/server-name.ts");
    const tls = secure({
      socket,
      servername: serverNameOf({ appId: "web", namespace: "shop" }),
      rejectUnauthorized: false,
    });
    tls.on("error", () => {});
    await closed;
    expect(tls.authorized).toBe(false);
  });
});
