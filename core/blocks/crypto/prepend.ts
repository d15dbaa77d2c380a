/** A stream that begins with parts that were taken off it before. Ends the rest when it is ended. */
export async function* prepend(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const waiting = [...first];
  try {
    for (let part = waiting.shift(); part; part = waiting.shift()) yield part;
    for (;;) {
      const { done, value } = await rest.next();
      if (done) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}
