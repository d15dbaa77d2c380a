import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type Server,
} from "node:http";
import type { AddressInfo } from "node:net";

/** One request of the scenario. */
export interface Step {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly waitMs?: number;
}
interface AppAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: unknown;
}
export interface Scenario {
  readonly silent: readonly string[];
  /** By "METHOD /path" or "/path"; a list is answered in turn, its last for ever. */
  readonly app: Readonly<Record<string, AppAnswer | readonly AppAnswer[]>>;
  readonly steps: readonly Step[];
}
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
export interface Played {
  readonly name: string;
  readonly response: {
    readonly status: number;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  };
  readonly appSaw: readonly Seen[];
}

/** Headers of the connection or of the client's library: the recording leaves them out. */
const unrecorded: ReadonlySet<string> = new Set([
  "date",
  "connection",
  "content-length",
  "transfer-encoding",
  "user-agent",
  "accept-encoding",
  "accept",
  "host",
  "keep-alive",
  "accept-language",
  "sec-fetch-mode",
]);

/** Plays the scenario's app. */
export class RecordedApp implements AsyncDisposable {
  #seen: Seen[] = [];
  readonly #server: Server;
  private constructor(server: Server) {
    this.#server = server;
  }
  static async listen(scenario: Scenario): Promise<RecordedApp> {
    const turns = new Map(
      Object.entries(scenario.app).map(([key, answer]) => [
        key,
        Array.isArray(answer) ? [...answer] : [answer],
      ]),
    );
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const path = (incoming.url ?? "").split("?")[0] as string;
        const method = incoming.method ?? "";
        if (!scenario.silent.includes(`${method} ${path}`))
          app.#seen.push({
            method,
            url: incoming.url ?? "",
            headers: kept(incoming.headers),
            body: Buffer.concat(chunks).toString(),
          });
        const list = (turns.get(`${method} ${path}`) ??
          turns.get(path) ?? [{ status: 404 }]) as AppAnswer[];
        const answer = (list.length > 1 ? list.shift() : list[0]) as AppAnswer;
        outgoing.writeHead(
          answer.status ?? 200,
          answer.headers ?? { "content-type": "application/json" },
        );
        const { body } = answer;
        outgoing.end(
          body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body),
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

const usualWaitMs = 60;
/** Three batches that each wait 300 ms end just where the recording stopped waiting for them. */
const patience = 1.5;

/** Sends one step as it stands (no URL parser in between), and waits for the app to be called, longer than the recording did. */
export async function play(step: Step, port: number, app: RecordedApp): Promise<Played> {
  app.take();
  const response = await new Promise<Played["response"]>((resolve, reject) => {
    const sent = httpRequest(
      {
        host: "127.0.0.1",
        port,
        path: step.path,
        method: step.method ?? "GET",
        headers: step.headers ?? {},
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: kept(answer.headers),
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on("error", reject);
    if (step.body !== undefined)
      sent.write(typeof step.body === "string" ? step.body : JSON.stringify(step.body));
    sent.end();
  });
  // The recording watched the app for this long; a call that comes later belongs to no step.
  await new Promise((resolve) =>
    setTimeout(resolve, step.waitMs === undefined ? usualWaitMs : step.waitMs * patience),
  );
  return normalised({ name: step.name, response, appSaw: app.take() });
}

/** Times, ids and ports differ from run to run. */
export function normalised<T>(value: T): T {
  const text = JSON.stringify(value)
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
    .replace(/00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]/g, "<traceparent>")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, "<time>")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:<port>")
    .replace(/localhost:\d+/g, "localhost:<port>");
  return JSON.parse(text) as T;
}

/** A step as it is compared: bodies as JSON where they parse, trace headers and etags by presence. */
export function compared(played: Played): object {
  const { status, headers, body } = played.response;
  const shown = Object.entries(headers).filter(
    ([name]) => !byPresence.has(name) && name !== "traceparent",
  );
  return {
    status,
    headers: Object.fromEntries(shown),
    etag: "etag" in headers,
    body: parsed(body),
    appSaw: played.appSaw.map((seen) => ({ ...seen, body: parsed(seen.body) })),
  };
}
const byPresence: ReadonlySet<string> = new Set([
  "etag",
  "metadata.date",
  "metadata.keep-alive",
  "metadata.connection",
]);

function parsed(text: string): unknown {
  try {
    const value = JSON.parse(text) as {
      enabledFeatures?: string[];
      appConnectionProperties?: { port: number };
    };
    value?.enabledFeatures?.sort();
    if (value?.appConnectionProperties) value.appConnectionProperties.port = 0;
    return value;
  } catch {
    return text;
  }
}
function kept(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !unrecorded.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
