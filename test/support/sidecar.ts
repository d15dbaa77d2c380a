import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

export interface SidecarProcess {
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly child: ChildProcess;
  /** Everything it has printed. */
  output(): string;
  /** Resolves when `healthz` answers 204; rejects when the process ends first or 30 s pass. */
  healthy(): Promise<void>;
  /** The same for `healthz/outbound`: an app may call, which may not be up itself. */
  takesCalls(): Promise<void>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number | null>;
  /** The exit code, once it ends by itself. */
  readonly exited: Promise<number | null>;
}

const bin = join(import.meta.dirname, "../../bin/outrigger.mjs");

/** Starts `outrigger sidecar` as a script would start daprd: by absolute path, with only the environment given. */
export async function sidecar(options: {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}): Promise<SidecarProcess> {
  const args = [...options.args];
  const given = args.indexOf("--dapr-http-port");
  const httpPort = given === -1 ? await freePort() : Number(args[given + 1]);
  if (given === -1) args.push("--dapr-http-port", String(httpPort));
  for (const flag of ["--dapr-grpc-port", "--metrics-port", "--dapr-internal-grpc-port"])
    if (!args.includes(flag)) args.push(flag, String(await freePort()));
  const grpcPort = Number(args[args.indexOf("--dapr-grpc-port") + 1]);
  const child = spawn(process.execPath, [bin, "sidecar", ...args], {
    env: { ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) =>
    child.once("close", (code) => resolve(code)),
  );
  let ended = false;
  void exited.then(() => (ended = true));
  const answers = async (path: string): Promise<void> => {
    for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
      if (ended) throw new Error(`The sidecar ended before ${path} was well:\n${output}`);
      const url = `http://127.0.0.1:${httpPort}/v1.0/${path}`;
      if ((await fetch(url).catch(() => undefined))?.status === 204) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${path} was not well within 30 s:\n${output}`);
  };
  return {
    httpPort,
    grpcPort,
    child,
    output: () => output,
    exited,
    healthy: () => answers("healthz"),
    takesCalls: () => answers("healthz/outbound"),
    stop: () => {
      child.kill("SIGTERM");
      return exited;
    },
  };
}
