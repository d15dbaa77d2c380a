import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import type { LoadOptions, LoadReport } from "#test/support/load.ts";
import { callFrom, podApp, putPod, type TestNode, testNode } from "#test/support/node-cluster.ts";
import { twoNodes } from "#test/support/two-nodes.ts";

const loadProgram = join(import.meta.dirname, "../../cluster/apps/load.ts");
const open: Array<() => unknown> = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});
const kept = <T extends AsyncDisposable>(what: T): T => {
  open.push(() => what[Symbol.asyncDispose]());
  return what;
};

/** Load from a process of its own; ends with its report. */
interface Load {
  readonly calls: () => number;
  end(): Promise<LoadReport>;
}
async function load(options: Omit<LoadOptions, "total">): Promise<Load> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", loadProgram],
    {
      env: { ...process.env, LOAD: JSON.stringify({ ...options, total: 1e9 }) },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  open.push(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout?.on("data", (text: Buffer) => (output += text.toString()));
  const lines = (): readonly string[] => output.trim().split("\n");
  const calls = (): number => Number.parseInt(lines().at(-1) ?? "0", 10) || 0;
  await eventually(() => calls() > 0, { withinMs: 15_000, what: "the load" });
  return {
    calls,
    end: async () => {
      child.kill("SIGTERM");
      await once(child, "close");
      return JSON.parse(lines().at(-1) ?? "") as LoadReport;
    },
  };
}
function allGood({ failed, failures }: LoadReport): void {
  expect({ failed, ...failures }).toEqual({ failed: 0 });
}

describe("a runtime that takes the place of another one on its ports", () => {
  let api: KubeApiDouble;
  let ports: Record<"http" | "grpc" | "health" | "metrics", number>;
  let options: Omit<LoadOptions, "total">;
  let node: TestNode;
  const web = { name: "web", ip: "127.0.0.11" };

  beforeEach(async () => {
    api = kept(await kubeApi());
    serveKinds(api);
    ports = {
      http: await freePort(),
      grpc: await freePort(),
      health: await freePort(),
      metrics: await freePort(),
    };
    const app = kept(await podApp("127.0.0.12", 0));
    const { token, ip } = putPod(api, web);
    // A gRPC client cannot say which address it calls from.
    const host = putPod(api, { name: "host", ip: "127.0.0.1", hostNetwork: true });
    const annotations = { "dapr.io/app-port": String(app.port) };
    putPod(api, { name: "echo", ip: "127.0.0.12", annotations });
    node = await start();
    options = {
      http: {
        host: "127.0.0.1",
        port: ports.http,
        path: "/v1.0/invoke/echo/method/hello",
        token,
        rate: 400,
        connections: 40,
        localAddress: ip,
      },
      grpc: { target: `127.0.0.1:${ports.grpc}`, token: host.token, rate: 100, channels: 4 },
    };
  }, 30_000);

  async function start(successorMs?: number): Promise<TestNode> {
    const more = successorMs === undefined ? {} : { successorMs };
    const started = kept(await testNode({ api, ports, more }));
    await started.ready;
    return started;
  }
  /** The next one starts, both serve for a moment, then the former ends. */
  async function handOver(): Promise<void> {
    const next = await start();
    await delay(500);
    await node.stop();
    node = next;
  }

  it("loses no call of connections that stay, by HTTP or gRPC", async () => {
    const { calls, end } = await load(options);
    await handOver();
    const before = calls();
    await eventually(() => calls() > before + 500);
    allGood(await end());
  });
  it("loses no connection that is made meanwhile", async () => {
    const http = { ...options.http, rate: 100, connections: 0 };
    const { end } = await load({ ...options, http });
    await handOver();
    await handOver();
    await delay(500);
    allGood(await end());
  });
  it("loses none where it comes only after the other was told to end", async () => {
    const patient = await start(10_000);
    await node.stop();
    const { end } = await load(options);
    const stopping = patient.stop();
    await delay(300);
    await start();
    await stopping;
    await delay(500);
    allGood(await end());
  });
  it("is not waited for without an end", async () => {
    const patient = await start(500);
    await node.stop();
    const since = performance.now();
    await patient.stop();
    expect(performance.now() - since).toBeLessThan(5000);
  });
  it("leaves the apps the locks that they hold", async () => {
    const spec = {
      type: "lock.redis",
      version: "v1",
      metadata: [{ name: "redisHost", value: "127.0.0.1:6379" }],
    };
    api.put({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { namespace: "shop", name: "locks" },
      spec,
    } as never);
    const resourceId = `r-${process.pid}-${Date.now()}`;
    const { ip, token } = options.http.localAddress
      ? { ip: options.http.localAddress, token: options.http.token }
      : { ip: "", token: "" };
    const ask = async (what: "lock" | "unlock", lockOwner: string): Promise<unknown> => {
      const { body } = await callFrom(ip, ports.http, `/v1.0-alpha1/${what}/locks`, {
        token,
        method: "POST",
        body: JSON.stringify({ resourceId, lockOwner, expiryInSeconds: 60 }),
      });
      return JSON.parse(body) as unknown;
    };
    await eventually(async () => {
      const answer = (await ask("lock", "first")) as { readonly success?: boolean };
      return answer.success === true;
    });
    await handOver();
    expect(await ask("lock", "second")).toEqual({ success: false });
    expect(await ask("unlock", "first")).toEqual({ status: 0 });
    expect(await ask("lock", "second")).toEqual({ success: true });
    await ask("unlock", "second");
  });
});

describe("the runtime of another node, replaced", () => {
  it("loses no call that comes from there", async () => {
    await using pair = await twoNodes();
    const [first, second] = pair.nodes;
    const app = kept(await podApp("127.0.0.21", 0));
    const annotations = { "dapr.io/app-port": String(app.port) };
    second.put({ name: "echo", ip: "127.0.0.21", annotations });
    const web = first.put({ name: "web", ip: "127.0.0.11" });
    await Promise.all(pair.nodes.map(({ runtime }) => runtime.ready));
    const path = "/v1.0/invoke/echo/method/hello";
    const port = first.runtime.port("http");
    await eventually(
      async () => (await callFrom(web.ip, port, path, { token: web.token })).status === 200,
      { withinMs: 10_000 },
    );
    const { end } = await load({
      http: {
        host: first.ip,
        port,
        path,
        token: web.token,
        rate: 400,
        connections: 40,
        localAddress: web.ip,
      },
      grpc: { target: "", token: "", rate: 0, channels: 0 },
    });
    const next = kept(await pair.runtime(second.name, second.ip));
    await next.ready;
    // Its apps have their certificates.
    await delay(1000);
    await second.runtime.stop();
    await delay(500);
    allGood(await end());
  });
});
