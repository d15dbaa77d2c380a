import type { PlainResponse } from "#core/ports/platform.ts";
import { collect } from "#core/util/bounded-read.ts";
import { isRecord } from "#core/util/json.ts";

const maxAnswerBytes = 1_048_576;
const decoder = new TextDecoder();

/** The answer's text; `undefined` past 1 MiB, or when it breaks off. */
export async function answerText({ body }: PlainResponse): Promise<string | undefined> {
  if (body === undefined) return "";
  if (typeof body === "string") return body.length > maxAnswerBytes ? undefined : body;
  try {
    const bytes = body instanceof Uint8Array ? body : await collect(body, maxAnswerBytes);
    return bytes.byteLength > maxAnswerBytes ? undefined : decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The answer as a JSON object; `undefined` for anything else. */
export async function answerObject(
  response: PlainResponse,
): Promise<Record<string, unknown> | undefined> {
  const text = await answerText(response);
  if (text === undefined || text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Lets the connection go without reading on. */
export function discard({ body }: PlainResponse): void {
  if (body instanceof ReadableStream) body.cancel().catch(() => {});
}
