import type { IncomingMessage } from "node:http";

/** Why a body was not read, with the status that says so. */
export class BodyError extends Error {
  override readonly name = "BodyError";
  readonly status: 400 | 413 | 415;
  constructor(status: 400 | 413 | 415, message: string) {
    super(message);
    this.status = status;
  }
}

/** A JSON body of at most so many bytes. Rejects with a `BodyError`, or when the caller goes away. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json")
    throw new BodyError(415, "The content type must be application/json");
  if (Number(request.headers["content-length"]) > maxBytes) throw tooLarge(maxBytes);
  const text = await readText(request, maxBytes);
  try {
    return JSON.parse(text);
  } catch {
    throw new BodyError(400, "The body is not valid JSON");
  }
}

/** By events: leaving a loop over the request would destroy it, and with it the way to answer. */
function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let length = 0;
  request.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= maxBytes) return void chunks.push(chunk);
    request.removeAllListeners("data");
    request.pause();
    reject(tooLarge(maxBytes));
    return undefined;
  });
  request.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
  request.once("error", reject);
  request.once("close", () => reject(new Error("The caller went away")));
  return promise;
}

function tooLarge(maxBytes: number): BodyError {
  return new BodyError(413, `The body is larger than ${maxBytes} bytes`);
}
