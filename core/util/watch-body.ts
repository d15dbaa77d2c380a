/** The same body, at the reader's pace; `ended` hears once how many bytes have passed, also when it breaks off. */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  ended: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  let open = true;
  const end = (): void => {
    if (open) ended(bytes);
    open = false;
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) {
            end();
            controller.close();
            return;
          }
          bytes += value.byteLength;
          controller.enqueue(value);
        } catch (reason) {
          end();
          throw reason;
        }
      },
      cancel: (reason) => {
        end();
        return reader.cancel(reason);
      },
    },
    // The body has a queue of its own.
    { highWaterMark: 0 },
  );
}
