import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keptHeaders, type Outgoing, realTime, sendRecorded, type Wait } from "./send-recorded.ts";

interface AppAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
  /** In the place of `body`: bytes that are not text. */
  readonly base64?: string;
  readonly delayMs?: number;
  /** True: the connection is cut instead. */
  readonly close?: boolean;
  /** True: the body says how many requests for this path have run at once at most. */
  readonly active?: boolean;
  /** What the app asks of its runtime meanwhile, with these headers of the request; the body says what came of it. */
  readonly call?: Outgoing & { readonly pass?: readonly string[] };
}
export interface Scenario<Step = unknown> {
  readonly silent: readonly string[];
  /** By "METHOD /path" or "/path", the rest by "default"; a list is answered in turn, its last for ever. */
  readonly app: Readonly<Record<string, AppAnswer | readonly AppAnswer[]>>;
  readonly steps: readonly Step[];
}
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Longer bodies are recorded as how long they are. */
const longestBody = 2000;

const longestDelayMs = 2000;
const stepMs = 20;

/** Plays the scenario's app. */
export class RecordedApp implements AsyncDisposable {
  #seen: Seen[] = [];
  readonly #server: Server;
  /** Where the app calls its runtime. */
  runtimePort = 0;
  private constructor(server: Server) {
    this.#server = server;
  }
  static async listen(scenario: Scenario, wait: Wait = realTime): Promise<RecordedApp> {
    const answerTo = answersOf(scenario);
    const running = concurrency();
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", async () => {
        const url = incoming.url ?? "";
        const path = url.split("?")[0] as string;
        const method = incoming.method ?? "";
        const raw = Buffer.concat(chunks);
        if (!scenario.silent.includes(`${method} ${path}`))
          app.#seen.push({
            method,
            url,
            headers: keptHeaders(incoming.headers),
            body: raw.length > longestBody ? `<${raw.length} bytes>` : raw.toString(),
          });
        const answer = answerTo(method, path);
        const ended = running.begin(path);
        if (answer.delayMs !== undefined) await wait(answer.delayMs);
        const nested = answer.call && (await nestedBody(answer.call, incoming.headers, app, wait));
        const most = ended();
        if (answer.close) return void outgoing.destroy();
        outgoing.writeHead(
          answer.status ?? 200,
          answer.headers ?? { "content-type": "application/json" },
        );
        outgoing.end(
          answer.base64 === undefined
            ? bodyText(nested ?? (answer.active ? { max: most } : answer.body))
            : Buffer.from(answer.base64, "base64"),
        );
      });
    });
    const app = new RecordedApp(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return app;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  /** Resolves when it has been called so often since the last `take`, or has not been for too long. */
  async called(times: number, wait: Wait): Promise<void> {
    for (let late = 0; this.#seen.length < times && late < longestDelayMs; late += stepMs)
      await wait(stepMs);
  }
  /** What arrived since the last call. */
  take(): readonly Seen[] {
    const seen = this.#seen;
    this.#seen = [];
    return seen;
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

function answersOf({ app }: Scenario): (method: string, path: string) => AppAnswer {
  const turns = new Map(
    Object.entries(app).map(([key, answer]) => [
      key,
      Array.isArray(answer) ? [...(answer as AppAnswer[])] : [answer as AppAnswer],
    ]),
  );
  return (method, path) => {
    const list = turns.get(`${method} ${path}`) ??
      turns.get(path) ??
      turns.get("default") ?? [{ status: 404 }];
    return (list.length > 1 ? list.shift() : list[0]) as AppAnswer;
  };
}

/** Counts what runs at once; `begin` returns how to end, which returns the most that ran meanwhile. */
function concurrency(): { begin(path: string): () => number } {
  const active = new Map<string, { now: number; most: number }>();
  return {
    begin: (path) => {
      const count = active.get(path) ?? { now: 0, most: 0 };
      active.set(path, count);
      count.now++;
      count.most = Math.max(count.most, count.now);
      return () => {
        if (--count.now === 0) active.delete(path);
        return count.most;
      };
    },
  };
}

async function nestedBody(
  call: NonNullable<AppAnswer["call"]>,
  given: IncomingHttpHeaders,
  app: RecordedApp,
  wait: Wait,
): Promise<object> {
  const headers: Record<string, string> = { ...call.headers };
  for (const name of call.pass ?? []) {
    const value = given[name];
    if (typeof value === "string") headers[name] = value;
  }
  const { status, body } = await sendRecorded({ ...call, headers }, app.runtimePort, wait);
  try {
    return { nested: { status, body: JSON.parse(body) as unknown } };
  } catch {
    return { nested: { status, body } };
  }
}

function bodyText(body: unknown): string {
  return body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
}
