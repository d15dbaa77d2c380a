import type { HttpInput } from "#core/wire/http/input.ts";
import { TooLargeError } from "#core/util/bounded-read.ts";

/** A request's body as it comes in; fails past the app's limit. */
export async function* bodyOf(input: HttpInput): AsyncGenerator<Uint8Array> {
  const limit = input.app.limits.maxBodyBytes;
  if (Number(input.header("content-length") ?? 0) > limit) throw new TooLargeError();
  const reader = input.request.body?.getReader();
  if (!reader) return;
  let size = 0;
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        ended = true;
        return;
      }
      size += value.byteLength;
      if (size > limit) throw new TooLargeError();
      yield value;
    }
  } finally {
    if (!ended) void reader.cancel().catch(() => {});
  }
}
