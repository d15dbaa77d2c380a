import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { sidecar, type SidecarProcess } from "./sidecar.ts";

/** What sidecars of one machine share; nothing of it is the user's. Ends with all that was started on it. */
export interface Machine extends AsyncDisposable {
  readonly folder: string;
  /** A folder with a state store for actors. */
  readonly resources: string;
  /** Of sidecars, so that they keep their state here. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends with the machine; at once where that has ended, as after a start that failed. */
  own(stop: () => Promise<unknown>): void;
}
export interface Replica {
  readonly runtime: SidecarProcess;
  readonly appPort: string;
  /** Ends the sidecar, then the app. */
  stop(): Promise<void>;
}

/** As Dapr's charts have them. Nothing listens there: they only name the group. */
export const daprServices = [
  "--placement-host-address",
  "127.0.0.1:50005",
  "--scheduler-host-address",
  "127.0.0.1:50006",
] as const;

export function machine(): Machine {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-replicas-"));
  const resources = join(folder, "resources");
  mkdirSync(resources);
  const metadata = { connectionString: join(folder, "state.db"), actorStateStore: "true" };
  const store = {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name: "statestore" },
    spec: {
      type: "state.sqlite",
      version: "v1",
      metadata: Object.entries(metadata).map(([name, value]) => ({ name, value })),
    },
  };
  writeFileSync(join(resources, "statestore.json"), JSON.stringify(store));
  const owned: Array<() => Promise<unknown>> = [];
  let hasEnded = false;
  return {
    folder,
    resources,
    env: { XDG_STATE_HOME: join(folder, "user") },
    own: (stop) => {
      if (hasEnded) void stop();
      else owned.push(stop);
    },
    [Symbol.asyncDispose]: async () => {
      hasEnded = true;
      await Promise.all(owned.map((stop) => stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A sidecar without an app of its own, for callers. */
export async function callerSidecar(
  { env, own }: Machine,
  args: readonly string[],
): Promise<SidecarProcess> {
  const runtime = await sidecar({ args: [...args, ...daprServices, "--log-level", "warn"], env });
  own(runtime.stop);
  await runtime.takesCalls();
  return runtime;
}

/** An app of several replicas: a sidecar and a process of its own, once both are up. */
export async function replica(options: {
  readonly machine: Machine;
  readonly args: readonly string[];
  readonly program: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}): Promise<Replica> {
  const { args, env, program } = options;
  const appPort = String(await freePort());
  const runtime = await sidecar({
    args: [...args, "--app-port", appPort, ...daprServices, "--log-level", "warn"],
    env: options.machine.env,
  });
  options.machine.own(runtime.stop);
  // The Go SDK gives up on a runtime that is not up within 5 s.
  await runtime.takesCalls();
  const [command, ...rest] = program;
  const app = spawn(command, rest, {
    env: {
      ...process.env,
      APP_PORT: appPort,
      DAPR_HTTP_PORT: String(runtime.httpPort),
      DAPR_GRPC_PORT: String(runtime.grpcPort),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  app.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  app.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  app.once("error", (reason) => (output += String(reason)));
  const stop = async (): Promise<void> => {
    await runtime.stop();
    app.kill("SIGKILL");
  };
  options.machine.own(stop);
  try {
    await runtime.healthy();
  } catch (reason) {
    throw new Error(`The app did not start:\n${output}`, { cause: reason });
  }
  return { runtime, appPort, stop };
}
