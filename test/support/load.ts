/**
 * Calls at a steady rate, whatever becomes of them: what a client of a runtime sees while that is replaced. Imports
 * nothing of the project, so that it also runs as an app in a pod.
 */
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { Agent, request } from "node:http";

export interface LoadOptions {
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly path: string;
    readonly token: string;
    /** Calls per second. */
    readonly rate: number;
    /** Kept open, as far as they are needed; 0: a new one for each call. */
    readonly connections: number;
    /** Of this machine; default: what the system takes. */
    readonly localAddress?: string;
  };
  readonly grpc: {
    /** `host:port` */
    readonly target: string;
    readonly token: string;
    readonly rate: number;
    readonly channels: number;
  };
  /** Ends after so many calls of both kinds, or when `signal` fires. */
  readonly total: number;
  readonly signal?: AbortSignal;
  /** Told how far it is. */
  onSecond?(calls: number, failed: number): void;
}
export interface LoadReport {
  readonly calls: number;
  readonly failed: number;
  /** What became of those that failed, each kind once with its number. */
  readonly failures: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Milliseconds between two successes, at most. */
  readonly longestPauseMs: number;
  /** Milliseconds that the client itself was kept from its work, at most: by a machine that has too much of it. */
  readonly longestStallMs: number;
  /** Milliseconds that a call took: all but one of a hundred, and the longest. */
  readonly p99Ms: number;
  readonly longestMs: number;
  /** The slowest call of each second, in turn. */
  readonly slowestMs: readonly number[];
}

const tickMs = 2;
const callMs = 10_000;
/** No arguments, and an answer from the runtime alone. */
const rpcPath = "/dapr.proto.runtime.v1.Dapr/GetMetadata";

export async function runLoad({
  http,
  grpc,
  total,
  signal,
  onSecond,
}: LoadOptions): Promise<LoadReport> {
  const agent =
    http.connections === 0
      ? new Agent({ keepAlive: false })
      : new Agent({ keepAlive: true, maxSockets: http.connections, scheduling: "fifo" });
  const clients = Array.from(
    { length: grpc.rate > 0 ? grpc.channels : 0 },
    // A channel of its own each: they would share one.
    (_, i) => new Client(grpc.target, credentials.createInsecure(), { "load.channel": i }),
  );
  const metadata = new Metadata();
  metadata.set("dapr-api-token", grpc.token);

  function overHttp(): Promise<void> {
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: http.host,
          port: http.port,
          path: http.path,
          agent,
          headers: { "dapr-api-token": http.token },
          timeout: callMs,
          ...(http.localAddress === undefined ? {} : { localAddress: http.localAddress }),
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => (text += part));
          response.once("error", reject);
          response.once("end", () =>
            response.statusCode === 200 || response.statusCode === 204
              ? resolve()
              : reject(new Error(`HTTP ${response.statusCode} ${text.slice(0, 200)}`)),
          );
        },
      );
      sent.once("timeout", () => sent.destroy(new Error("HTTP timeout")));
      sent.once("error", (reason: NodeJS.ErrnoException) =>
        reject(
          new Error(`HTTP ${reason.code ?? reason.message}${sent.reusedSocket ? " reused" : ""}`),
        ),
      );
      sent.end();
    });
  }
  function overGrpc(client: Client): Promise<void> {
    return new Promise((resolve, reject) => {
      const bytes = (message: Buffer): Buffer => message;
      const empty = Buffer.alloc(0);
      const deadline = Date.now() + callMs;
      client.makeUnaryRequest(rpcPath, bytes, bytes, empty, metadata, { deadline }, (reason) =>
        reason ? reject(new Error(`gRPC ${reason.code} ${reason.details}`)) : resolve(),
      );
    });
  }

  const began = performance.now();
  const latencies: number[] = [];
  const slowest: number[] = [];
  const failures = new Map<string, number>();
  const pending = new Set<Promise<void>>();
  let calls = 0;
  let failed = 0;
  let lastSuccess = began;
  let longestPauseMs = 0;
  function start(call: () => Promise<void>): void {
    if (calls++ === 0) lastSuccess = performance.now();
    const since = performance.now();
    const done = call().then(
      () => {
        const now = performance.now();
        longestPauseMs = Math.max(longestPauseMs, now - lastSuccess);
        lastSuccess = now;
        latencies.push(now - since);
        const second = Math.floor((since - began) / 1000);
        slowest[second] = Math.max(slowest[second] ?? 0, Math.round(now - since));
      },
      (reason: Error) => {
        failed++;
        failures.set(reason.message, (failures.get(reason.message) ?? 0) + 1);
      },
    );
    pending.add(done);
    void done.finally(() => pending.delete(done));
  }
  /** How many are due by now and not begun. */
  const due = (rate: number, sent: number): number =>
    Math.floor(((performance.now() - began) / 1000) * rate) - sent;
  const ticks = setInterval(() => onSecond?.(calls, failed), 1000);
  let byHttp = 0;
  let byGrpc = 0;
  let longestStallMs = 0;
  while (calls < total && signal?.aborted !== true) {
    const turn = performance.now();
    for (let n = due(http.rate, byHttp); n > 0 && calls < total; n--) {
      byHttp++;
      start(overHttp);
    }
    for (let n = due(grpc.rate, byGrpc); n > 0 && calls < total; n--) {
      const client = clients[byGrpc++ % clients.length] as Client;
      start(() => overGrpc(client));
    }
    await new Promise((resolve) => setTimeout(resolve, tickMs));
    longestStallMs = Math.max(longestStallMs, performance.now() - turn - tickMs);
  }
  await Promise.all(pending);
  clearInterval(ticks);
  for (const client of clients) client.close();
  agent.destroy();
  latencies.sort((a, b) => a - b);
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  return {
    calls,
    failed,
    failures: Object.fromEntries(failures),
    seconds: round((performance.now() - began) / 1000),
    longestPauseMs: round(longestPauseMs),
    longestStallMs: round(longestStallMs),
    p99Ms: round(latencies[Math.floor(latencies.length * 0.99)] ?? 0),
    longestMs: round(latencies.at(-1) ?? 0),
    slowestMs: Array.from(slowest, (ms) => ms ?? 0),
  };
}
