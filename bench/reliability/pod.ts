import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { join } from "node:path";
import { bin, end, isHealthy, type Life, untilUp } from "../runtime.ts";
import { freePort } from "#test/support/free-port.ts";
import { type ActorApp, type AppHost, startAppHost } from "./app-host.ts";
import type { Place } from "./place.ts";

export interface PodOptions {
  readonly place: Place;
  readonly appId: string;
  /** Empty: the default one. */
  readonly namespace?: string;
  /** Makes the app; an app that starts again remembers nothing. `daprPort` is the API of its runtime. */
  app(daprPort: number): ActorApp & { died?(): void };
  /** The program to start; default: the built runtime of this repository. */
  readonly program?: string | undefined;
}
/** An app and its runtime, a process, which live and die together. They start again at the same ports. */
export interface Pod {
  readonly daprPort: number;
  readonly namespace: string;
  readonly pid: number;
  /** Starts the runtime alone, which waits for its app. */
  prepare(): Promise<void>;
  /** Resolves when calls are served. */
  start(): Promise<void>;
  /** SIGTERM to the runtime; the app ends after it. */
  stop(): Promise<void>;
  /** SIGKILL to the runtime; the app ends with it. */
  kill(): Promise<void>;
  /** The runtime stands still for so long, as on a machine that stalls; the app does not. */
  pause(ms: number): Promise<void>;
}

export async function createPod(options: PodOptions, life: Life): Promise<Pod> {
  const { place, appId, namespace = "", program = bin } = options;
  // Not of those for outgoing connections: one of them could take a port while its pod is down.
  const ports: number[] = [];
  while (ports.length < 5) ports.push(await freePort());
  const [daprPort = 0, grpcPort = 0, internalPort = 0, metricsPort = 0, appPort = 0] = ports;
  const log = openSync(join(place.folder, `${daprPort}.log`), "a");
  const args = ["sidecar", "--app-id", appId, "--resources-path", join(place.folder, "resources")];
  args.push("--coordination", place.coordination, "--placement-host-address", place.run);
  args.push("--dapr-http-port", String(daprPort), "--dapr-grpc-port", String(grpcPort));
  args.push("--dapr-internal-grpc-port", String(internalPort), "--log-level", "warn");
  args.push("--dapr-internal-grpc-listen-address", "127.0.0.1");
  args.push("--metrics-port", String(metricsPort), "--app-port", String(appPort));
  let child: ChildProcess | undefined;
  let app: ReturnType<PodOptions["app"]> | undefined;
  let host: AppHost | undefined;
  const appEnds = (): void => {
    host?.die();
    app?.died?.();
  };
  const run = (): ChildProcess =>
    (child = spawn(process.execPath, [program, ...args], {
      cwd: place.folder,
      stdio: ["ignore", log, log],
      env: {
        DAPR_HOST_IP: "127.0.0.1",
        XDG_STATE_HOME: place.folder,
        ...(namespace === "" ? {} : { NAMESPACE: namespace }),
      },
    }));
  life.after.defer(async () => {
    child?.kill("SIGKILL");
    appEnds();
  });
  return {
    daprPort,
    namespace,
    get pid() {
      return child?.pid as number;
    },
    prepare: async () => void run(),
    start: async () => {
      app = options.app(daprPort);
      host = await startAppHost(app, appPort);
      const started = child ?? run();
      const base = `http://127.0.0.1:${daprPort}`;
      await untilUp("A runtime", started, life, () => isHealthy(base));
    },
    stop: async () => {
      if (child) await end(child);
      child = undefined;
      appEnds();
    },
    kill: async () => {
      const dying = child;
      child = undefined;
      const gone = dying && new Promise((done) => dying.once("exit", done));
      dying?.kill("SIGKILL");
      appEnds();
      await gone;
    },
    pause: async (ms) => {
      child?.kill("SIGSTOP");
      await new Promise((done) => setTimeout(done, ms));
      child?.kill("SIGCONT");
    },
  };
}
