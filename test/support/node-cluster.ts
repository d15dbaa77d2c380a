import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { join } from "node:path";
import { openClient } from "#k8s/api/open-client.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { createLog } from "#targets/node/log.ts";
import type { NodeRuntimeOptions } from "#targets/kubernetes/supervisor/options.ts";
import { startNodeRuntime } from "#targets/kubernetes/supervisor/supervisor.ts";
import { serveKinds } from "./dapr-kinds.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";

/** A node of a double of Kubernetes: real runtime processes, and pods that are loopback addresses of this machine. */
export interface TestNode extends AsyncDisposable {
  readonly api: KubeApiDouble;
  readonly logs: string[];
  readonly port: (name: "http" | "grpc" | "internal" | "health" | "metrics") => number;
  readonly groups: () => Awaited<ReturnType<typeof startNodeRuntime>>["groups"];
  readonly stop: () => Promise<void>;
  /** Resolves when the runtime's ports are open. */
  readonly ready: Promise<void>;
}

export const hostIp = "127.0.0.1";
export const nodeName = "node-1";

/** Runs the source as it is: no build is needed. */
const program = {
  path: join(import.meta.dirname, "../../targets/cli/main.ts"),
  args: ["node-group"],
  execArgv: ["--disable-warning=ExperimentalWarning", "--expose-gc"],
};

export async function testNode(
  options: {
    readonly api?: KubeApiDouble;
    /** Another node than the first, and its address on this machine. */
    readonly name?: string;
    readonly hostIp?: string;
    readonly isolation?: "namespace" | "shared";
    readonly ports?: Partial<NodeRuntimeOptions["ports"]>;
    readonly more?: Partial<NodeRuntimeOptions>;
  } = {},
): Promise<TestNode> {
  const api = options.api ?? (await kubeApi());
  if (!options.api) serveKinds(api);
  const logs: string[] = [];
  const log = createLog({
    level: "debug",
    json: false,
    version: "test",
    write: (line) => logs.push(line),
  });
  const running = await startNodeRuntime({
    client: openClient(api.access()),
    log,
    env: process.env,
    scope: { node: options.name ?? nodeName },
    hostIp: options.hostIp ?? hostIp,
    ports: { http: 0, grpc: 0, internal: undefined, health: 0, metrics: 0, ...options.ports },
    isolation: options.isolation ?? "namespace",
    tokenAudience: "outrigger",
    checkSourceIp: true,
    instance: options.name ?? nodeName,
    drainMs: 5000,
    logLevel: "fatal",
    logAsJson: false,
    program: (version) => (version === "" ? program : undefined),
    ...options.more,
  });
  return {
    api,
    logs,
    port: (name) => running.ports[name] as number,
    groups: () => running.groups,
    stop: () => running.stop(),
    ready: running.ready,
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      if (!options.api) await api[Symbol.asyncDispose]();
    },
  };
}

export interface TestPod {
  readonly token: string;
  readonly ip: string;
  readonly pod: Pod;
  /** The pod's state as the kubelet would write it. */
  set(change: {
    readonly ready?: boolean;
    readonly ip?: string;
    readonly phase?: NonNullable<Pod["status"]>["phase"];
    readonly ending?: boolean;
  }): void;
  remove(): void;
}

/** A pod as the injector leaves it. */
export function putPod(
  api: KubeApiDouble,
  options: {
    readonly name: string;
    readonly namespace?: string;
    readonly appId?: string;
    /** Empty: none yet. */
    readonly ip: string;
    readonly ready?: boolean;
    readonly hostNetwork?: boolean;
    readonly node?: string;
    /** Of its node. */
    readonly hostIp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  },
): TestPod {
  const { name, namespace = "shop", appId = name } = options;
  const token = randomBytes(32).toString("base64url");
  let state: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      uid: `uid-${name}-${randomBytes(4).toString("hex")}`,
      labels: { "outrigger.dev/app-id": appId },
      annotations: {
        "dapr.io/enabled": "true",
        "dapr.io/app-id": appId,
        "outrigger.dev/injected": "shared",
        "outrigger.dev/token-sha256": createHash("sha256").update(token).digest("hex"),
        ...options.annotations,
      },
    },
    spec: {
      nodeName: options.node ?? nodeName,
      serviceAccountName: "default",
      ...(options.hostNetwork ? { hostNetwork: true } : {}),
      containers: [{ name: "app" }],
    },
  };
  const write = (ready: boolean, ip: string, phase: string, ending = false): void => {
    state = api.put({
      ...state,
      metadata: {
        ...state.metadata,
        ...(ending ? { deletionTimestamp: new Date().toISOString() } : {}),
      },
      status: {
        phase,
        hostIP: options.hostIp ?? hostIp,
        ...(ip === "" ? {} : { podIP: ip, podIPs: [{ ip }] }),
        conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      },
    } as Pod);
  };
  let ip = options.ip;
  let isReady = options.ready ?? true;
  write(isReady, ip, "Running");
  return {
    token,
    get ip() {
      return ip;
    },
    get pod() {
      return state;
    },
    set: (change) => {
      ip = change.ip ?? ip;
      isReady = change.ready ?? isReady;
      write(isReady, ip, change.phase ?? "Running", change.ending);
    },
    remove: () => void api.remove(`/api/v1/namespaces/${namespace}/pods/${name}`),
  };
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}
/** A call from an address of this machine. */
export function callFrom(
  address: string,
  port: number,
  path: string,
  options: {
    /** The node; default: the first. */
    readonly host?: string;
    readonly token?: string;
    readonly method?: string;
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: options.host ?? hostIp,
        port,
        path,
        method: options.method ?? "GET",
        localAddress: address,
        agent: false,
        headers: {
          ...(options.token === undefined ? {} : { "dapr-api-token": options.token }),
          ...options.headers,
        },
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
        );
        response.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end(options.body);
  });
}

/** An app that listens in its pod, and keeps what it was called with. */
export async function podApp(
  ip: string,
  port: number,
  answer: (
    path: string,
    body: string,
    headers: IncomingMessage["headers"],
  ) => object | string | undefined = () => ({}),
): Promise<
  { readonly server: Server; readonly calls: string[]; readonly port: number } & AsyncDisposable
> {
  const calls: string[] = [];
  const server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (text: string) => (body += text));
    incoming.once("end", () => {
      calls.push(`${incoming.method} ${incoming.url}`);
      const given = answer(incoming.url ?? "", body, incoming.headers);
      outgoing.statusCode = given === undefined ? 404 : 200;
      outgoing.setHeader("content-type", "application/json");
      outgoing.end(typeof given === "string" ? given : JSON.stringify(given ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(port, ip, resolve));
  return {
    server,
    calls,
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
