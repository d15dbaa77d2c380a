/** Passes values from who has them to who asks for them, one by one. */
export interface Rendezvous<T> {
  /** Resolves once the value is dealt with, or everything is over. */
  readonly give: (value: T) => Promise<void>;
  /** Takes a value back that nobody has asked for yet. */
  readonly withdraw: (value: T) => void;
  /** Ends when the signal fires. To be iterated once. */
  readonly taken: AsyncIterable<T>;
}

/** Nothing waits here but what givers wait for, so that they decide how much that is. */
export function createRendezvous<T>(signal: AbortSignal): Rendezvous<T> {
  const given: Array<{ readonly value: T; readonly done: () => void }> = [];
  let wake = (): void => {};
  signal.addEventListener(
    "abort",
    () => {
      for (const { done } of given.splice(0)) done();
      wake();
    },
    { once: true },
  );
  async function* take(): AsyncGenerator<T> {
    while (!signal.aborted) {
      const next = given.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      try {
        yield next.value;
      } finally {
        next.done();
      }
    }
  }
  return {
    give: (value) =>
      new Promise((resolve) => {
        if (signal.aborted) {
          resolve();
          return;
        }
        given.push({ value, done: resolve });
        wake();
      }),
    withdraw: (value) => {
      const at = given.findIndex((each) => each.value === value);
      if (at >= 0) given.splice(at, 1)[0]?.done();
    },
    taken: { [Symbol.asyncIterator]: take },
  };
}
