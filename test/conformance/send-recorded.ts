import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** A request of a recording. */
export interface Outgoing {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** In the place of `body`: so many bytes. */
  readonly bytes?: number;
  readonly timeoutMs?: number;
}
/** `status` 0: no answer came; the body says why. */
export interface RecordedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
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

export function keptHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !unrecorded.has(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Resolves after as much time as the recording took for so many milliseconds. */
export type Wait = (ms: number) => Promise<void>;
export const realTime: Wait = (ms) => delay(ms);

/** Sends a request as it stands: no URL parser comes between. */
export function sendRecorded(
  { method = "GET", path, headers = {}, body, bytes, timeoutMs }: Outgoing,
  port: number,
  wait: Wait,
): Promise<RecordedResponse> {
  return new Promise((resolve) => {
    const gaveUp = (why: string): void => {
      resolve({ status: 0, headers: {}, body: why });
    };
    const sent = httpRequest(
      { host: "127.0.0.1", port, path, method, headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", (reason) => gaveUp(reason.message));
        answer.on("end", () => {
          resolve({
            status: answer.statusCode ?? 0,
            headers: keptHeaders(answer.headers),
            body: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    if (timeoutMs !== undefined)
      void wait(timeoutMs).then(() => {
        gaveUp("no answer in time");
        sent.destroy();
      });
    sent.on("error", (reason) => gaveUp(reason.message));
    if (bytes !== undefined) sent.write(Buffer.alloc(bytes, "a"));
    else if (body !== undefined) sent.write(typeof body === "string" ? body : JSON.stringify(body));
    sent.end();
  });
}
