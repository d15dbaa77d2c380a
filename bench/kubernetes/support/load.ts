/** Load from another process. */
import { fork } from "node:child_process";
import { join } from "node:path";
import type { Percentiles } from "./figures.ts";

export interface PlannedRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or a JSON text of so many bytes. */
  readonly body?: string | { readonly jsonBytes: number };
}
export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  /** The pod's address, since a token counts only from there. */
  readonly localAddress?: string;
  readonly connections: number;
  /** Sent in turn. */
  readonly requests: readonly PlannedRequest[];
  readonly seconds: number;
  /** Before that, not counted. */
  readonly warmUpSeconds?: number;
  /** Absent: each connection sends its next call as soon as it has its answer. */
  readonly perSecond?: number;
}
export interface LoadResult extends Percentiles {
  readonly calls: number;
  readonly perSecond: number;
  /** How often each status came; connections that broke as `error: why`. */
  readonly statuses: Readonly<Record<string, number>>;
}

/** Resolves when it has sent all; rejects when the client itself breaks. */
export function sendLoad(plan: LoadPlan): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, "load-client.ts"), {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    let result: LoadResult | undefined;
    child.once("message", (given) => (result = given as LoadResult));
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      result ? resolve(result) : reject(new Error(`The client ended with ${signal ?? code}`)),
    );
    child.send(plan);
  });
}

/** Calls that were answered otherwise than they should have been. */
export function failuresOf({ statuses }: LoadResult, good: readonly number[]): number {
  let count = 0;
  for (const [status, times] of Object.entries(statuses))
    if (!good.includes(Number(status))) count += times;
  return count;
}
