import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodeRuntime } from "#targets/node/options.ts";
import { startNode } from "#targets/node/start.ts";
import { eventually } from "#test/support/eventually.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { callFrom, podApp, type TestPod } from "#test/support/node-cluster.ts";
import { nodeApp } from "#test/support/node-runtime.ts";
import { type TwoNodes, twoNodes } from "#test/support/two-nodes.ts";

/** A pod of node 1 that brings a runtime of its own, as mode `sidecar` has it; here in this process, at this address. */
const sidecarIp = "127.0.0.1";
let two: TwoNodes;
let sidecar: NodeRuntime;
let web: TestPod;
const open: AsyncDisposable[] = [];

beforeAll(async () => {
  two = await twoNodes();
  open.push(two);
  const [first, second] = two.nodes;
  const far = await podApp("127.0.0.21", 0, (path, _body, headers) => ({
    by: "far",
    path,
    caller: headers["dapr-caller-app-id"],
  }));
  const own = await podApp("127.0.0.31", 0, (path, _body, headers) => ({
    by: "own",
    path,
    caller: headers["dapr-caller-app-id"],
  }));
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
