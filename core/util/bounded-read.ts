/** Thrown when a body is larger than the limit; the text is Dapr's. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
  constructor() {
    super("stream too large");
  }
}

const none = new Uint8Array(0);
const decoder = new TextDecoder();

interface Body {
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
  arrayBuffer(): Promise<ArrayBuffer>;
  text(): Promise<string>;
}

/** The whole body as text; rejects with `TooLargeError` past `limit` bytes, without reading on. */
export async function boundedText(source: Body, limit: number): Promise<string> {
  if (declaredFits(source, limit)) return source.text();
  return decoder.decode(await collect(source.body, limit));
}

/** The whole body; rejects with `TooLargeError` past `limit` bytes, without reading on. */
export async function boundedBytes(source: Body, limit: number): Promise<Uint8Array> {
  if (declaredFits(source, limit)) return new Uint8Array(await source.arrayBuffer());
  return collect(source.body, limit);
}

/** True when the length is known and fits, so that the platform's own fast read is safe. */
function declaredFits(source: Body, limit: number): boolean {
  const declared = source.headers.get("content-length");
  if (declared === null) return false;
  if (Number(declared) > limit) throw new TooLargeError();
  return true;
}

/** Reads a stream to its end, at most `limit` bytes. */
export async function collect(
  stream: ReadableStream<Uint8Array> | null,
  limit: number,
): Promise<Uint8Array> {
  if (!stream) return none;
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      void reader.cancel().catch(() => {});
      throw new TooLargeError();
    }
    chunks.push(value);
  }
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
