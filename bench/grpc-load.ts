import { execFile, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { connections, type Load } from "./load.ts";
import type { Send } from "./measure.ts";
import type { GrpcRow } from "./rows.ts";
import {
  end,
  freePorts,
  type Life,
  listens,
  type Running,
  startRuntime,
  untilUp,
} from "./runtime.ts";

const run = promisify(execFile);
const cache = join(import.meta.dirname, "../.outrigger/bench");

/** Builds the Go program that sends and answers gRPC calls; `undefined` where Go is not installed. */
export async function buildGrpcTool(): Promise<string | undefined> {
  try {
    await run("go", ["version"]);
  } catch {
    return undefined;
  }
  mkdirSync(cache, { recursive: true });
  const tool = join(cache, "grpc");
  await run("go", ["build", "-o", tool, "."], { cwd: join(import.meta.dirname, "grpc") });
  return tool;
}

/** A runtime whose app answers every gRPC call with what it was sent. */
export async function grpcAppRuntime(tool: string, life: Life): Promise<Running> {
  const [port = 0] = await freePorts(1);
  const child = spawn(tool, ["echo", String(port)], { stdio: "inherit" });
  life.after.defer(() => end(child));
  await untilUp("The gRPC backend", child, life, () => listens(port));
  return startRuntime({ appPort: port, appProtocol: "grpc", resources: [] }, life);
}

/** Calls over 4 connections, as many at once as the HTTP rows have. */
export function grpcSend(tool: string, row: GrpcRow, signal: AbortSignal): Send {
  const metadata = Object.entries(row.metadata ?? {}).map(([name, value]) => `${name}=${value}`);
  return async ({ grpc }, seconds): Promise<Load> => {
    const { stdout } = await run(
      tool,
      [
        "load",
        `-addr=${grpc}`,
        `-method=${row.path}`,
        `-metadata=${metadata.join(",")}`,
        `-request=${Buffer.from(row.request).toString("hex")}`,
        "-connections=4",
        `-concurrency=${connections}`,
        `-seconds=${seconds}`,
      ],
      { signal },
    );
    const [requests = 0, requestsPerSecond = 0, p50Ms = 0, p99Ms = 0] =
      /^RESULT (.*)$/m.exec(stdout)?.[1]?.split(" ").map(Number) ?? [];
    return { requests, requestsPerSecond, p50Ms, p99Ms };
  };
}
