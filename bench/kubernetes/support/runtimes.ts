/** The built runtime as processes of its own: as a node's, and as a sidecar. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { callFrom, nodeName } from "#test/support/node-cluster.ts";
import { withChildren } from "../../process.ts";
import { end, freePorts } from "../../runtime.ts";

const root = join(import.meta.dirname, "../../..");
export const hostIp = "127.0.0.1";

// A measurement that is broken off leaves no process behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

export interface MeasuredNode extends AsyncDisposable {
  readonly api: KubeApiDouble;
  readonly httpPort: number;
  readonly metricsPort: number;
  readonly pid: number;
  /** The supervisor's, and those of its groups. */
  pids(): readonly number[];
}

/** `outrigger node` on a double of Kubernetes, which is in this process. Resolves when its ports are open. */
export async function startNode(
  options: {
    readonly isolation?: "namespace" | "shared";
    /** Puts what is to be there from the beginning. */
    readonly before?: (api: KubeApiDouble) => void;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<MeasuredNode> {
  const api = await kubeApi();
  serveKinds(api);
  options.before?.(api);
  const folder = await mkdtemp(join(tmpdir(), "outrigger-measure-"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeKubeconfig(kubeconfig, { server: api.url }, {});
  const [httpPort, grpcPort, healthPort, metricsPort] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const child = outrigger(
    [
      "node",
      `--node-name=${nodeName}`,
      `--host-ip=${hostIp}`,
      `--isolation=${options.isolation ?? "namespace"}`,
      `--kubeconfig=${kubeconfig}`,
      "--log-level=error",
      `--http-port=${httpPort}`,
      `--grpc-port=${grpcPort}`,
      `--health-port=${healthPort}`,
      `--metrics-port=${metricsPort}`,
    ],
    options.env,
  );
  const pid = child.pid as number;
  await untilAnswer(child, healthPort, "/readyz");
  return {
    api,
    httpPort,
    metricsPort,
    pid,
    pids: () => withChildren([pid]),
    [Symbol.asyncDispose]: async () => {
      await end(child);
      await api[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export interface MeasuredSidecar extends AsyncDisposable {
  readonly httpPort: number;
  readonly pids: readonly number[];
}

/** `outrigger sidecar` for one app. `resources`: documents, as objects. */
export async function startSidecar(options: {
  readonly appId: string;
  readonly appPort?: number;
  readonly apiToken?: string;
  readonly resources: readonly object[];
}): Promise<MeasuredSidecar> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-measure-"));
  await mkdir(join(folder, "resources"));
  for (const [i, resource] of options.resources.entries())
    await writeFile(join(folder, `resources/${i}.yaml`), JSON.stringify(resource));
  const [httpPort, grpcPort, metricsPort, internalPort] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const child = outrigger(
    [
      "sidecar",
      `--app-id=${options.appId}`,
      ...(options.appPort === undefined ? [] : [`--app-port=${options.appPort}`]),
      `--dapr-http-port=${httpPort}`,
      `--dapr-grpc-port=${grpcPort}`,
      `--metrics-port=${metricsPort}`,
      `--dapr-internal-grpc-port=${internalPort}`,
      `--resources-path=${join(folder, "resources")}`,
      "--log-level=error",
    ],
    options.apiToken === undefined ? {} : { DAPR_API_TOKEN: options.apiToken },
  );
  await untilAnswer(child, httpPort, "/v1.0/healthz");
  return {
    httpPort,
    pids: [child.pid as number],
    [Symbol.asyncDispose]: async () => {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
}

/** An app of its own process that answers every call. */
export async function startBackend(): Promise<AsyncDisposable & { readonly port: number }> {
  const [port = 0] = await freePorts(1);
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      join(import.meta.dirname, "backend.ts"),
      String(port),
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await untilAnswer(child, port, "/");
  return { port, [Symbol.asyncDispose]: () => end(child) };
}

/** `cluster` and `user` as a kubeconfig has them. */
export async function writeKubeconfig(path: string, cluster: object, user: object): Promise<void> {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
  await writeFile(path, text, { mode: 0o600 });
}

/** The command with nothing of our environment but what is given. `onLine`: gets what it logs. */
export function outrigger(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  onLine?: (line: string) => void,
): ChildProcess {
  const child = spawn(process.execPath, [join(root, "bin/outrigger.mjs"), ...args], {
    stdio: ["ignore", onLine ? "pipe" : "inherit", "inherit"],
    env: { PATH: "/usr/bin:/bin", ...env },
  });
  const endWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", endWithUs);
  child.once("exit", () => process.off("exit", endWithUs));
  if (onLine && child.stdout) createInterface(child.stdout).on("line", onLine);
  return child;
}

/** Until something answers below 500 there. */
export async function untilAnswer(child: ChildProcess, port: number, path: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await delay(20)) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}; is it built?`);
    const answer = await callFrom(hostIp, port, path).catch(() => undefined);
    if (answer && answer.status < 500) return;
  }
  throw new Error(`Nothing answers at port ${port}`);
}
export { end };
