import type { IncomingMessage } from "node:http";
import { isRecord } from "#core/util/json.ts";
import { KubeError } from "./client.ts";
import type { Status } from "./objects.ts";

/** The whole body; rejects past `maxBytes`, without reading on. */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

/** Rejects with what an answer of 400 or more says; `what` was asked. */
export async function checkStatus(response: IncomingMessage, what: string): Promise<void> {
  const code = response.statusCode ?? 0;
  if (code >= 200 && code < 300) return;
  const text = await readBody(response, mostStatusBytes).catch(() => "");
  response.destroy();
  const status = statusOf(text);
  throw statusError(what, { ...status, code }, retryAfterOf(response));
}
const mostStatusBytes = 1024 * 1024;

/** `what`: the request, for the message. */
export function statusError(what: string, status: Status, retryAfterMs?: number): KubeError {
  const code = typeof status.code === "number" ? status.code : 500;
  const reason = typeof status.reason === "string" ? status.reason : "";
  const message = typeof status.message === "string" ? status.message.slice(0, mostMessage) : "";
  const seconds = status.details?.retryAfterSeconds;
  const text = [`${what}: ${code}`, reason].filter((part) => part !== "").join(" ");
  return new KubeError(message === "" ? text : `${text}: ${message}`, {
    code,
    reason,
    retryAfterMs: retryAfterMs ?? (typeof seconds === "number" ? seconds * 1000 : undefined),
  });
}
const mostMessage = 1024;

/** What stands before an API server answers in texts of its own. */
function statusOf(text: string): Status {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isRecord(parsed)) return parsed;
  } catch {
    // Said as it is.
  }
  return { message: /<\w/.test(text) ? "" : text.trim().slice(0, 200) };
}
function retryAfterOf({ headers }: IncomingMessage): number | undefined {
  const text = headers["retry-after"] ?? "";
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
