import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { orAborted } from "#core/util/time-limit.ts";

export interface BatchWork<T, R> {
  /** Items that one statement takes at most. */
  readonly most: number;
  /** Bytes of them, roughly; a larger item goes alone. */
  readonly mostBytes: number;
  /** Statements that run at the same time. */
  readonly atOnce: number;
  /** Two items of one key are never in one batch. */
  keyOf(item: T): string;
  bytesOf(item: T): number;
  /** Answers for each item, in the same order. */
  run(items: readonly T[], options: CallOptions): Promise<readonly R[]>;
}
export interface Batches<T, R> {
  submit(item: T, options: CallOptions): Promise<R>;
  /** Resolves once nothing waits or runs. */
  drained(): Promise<void>;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly signal: AbortSignal;
  resolve(result: R): void;
  reject(reason: unknown): void;
}

/** Lets calls share a statement with those that come while earlier ones run. Nothing waits for company. */
export function createBatches<T, R>(work: BatchWork<T, R>): Batches<T, R> {
  let waiting: Array<Waiting<T, R>> = [];
  let running = 0;
  let drains: Array<() => void> = [];

  const nextBatch = (): readonly Waiting<T, R>[] => {
    const batch: Array<Waiting<T, R>> = [];
    const left: Array<Waiting<T, R>> = [];
    const keys = new Set<string>();
    let bytes = 0;
    for (const call of waiting) {
      if (call.signal.aborted) continue;
      const key = work.keyOf(call.item);
      const size = work.bytesOf(call.item);
      const fits = batch.length === 0 || bytes + size <= work.mostBytes;
      if (batch.length === work.most || keys.has(key) || !fits) left.push(call);
      else {
        batch.push(call);
        bytes += size;
      }
      keys.add(key);
    }
    waiting = left;
    return batch;
  };
  const run = async (batch: readonly Waiting<T, R>[]): Promise<void> => {
    try {
      // The batch serves several callers; each stops waiting by its own signal.
      const options = batch.length === 1 ? { signal: batch[0]!.signal } : unending;
      const results = await work.run(
        batch.map(({ item }) => item),
        options,
      );
      batch.forEach((call, i) => call.resolve(results[i] as R));
    } catch (reason) {
      const isRefused = ComponentError.is(reason) && reason.kind === "rejected";
      // One that the server refuses must not take the others with it.
      if (isRefused && batch.length > 1) for (const call of batch) await run([call]);
      else for (const call of batch) call.reject(reason);
    }
  };
  const pump = (): void => {
    while (running < work.atOnce && waiting.length > 0) {
      const batch = nextBatch();
      if (batch.length === 0) continue;
      running++;
      void run(batch).finally(() => {
        running--;
        pump();
      });
    }
    if (running > 0) return;
    for (const done of drains) done();
    drains = [];
  };
  return {
    submit: (item, options) => {
      if (options.signal.aborted) return Promise.reject(options.signal.reason as Error);
      const result = new Promise<R>((resolve, reject) => {
        waiting.push({ item, signal: options.signal, resolve, reject });
      });
      pump();
      return orAborted(result, options);
    },
    drained: () =>
      running === 0 ? Promise.resolve() : new Promise((resolve) => drains.push(resolve)),
  };
}

const unending: CallOptions = { signal: new AbortController().signal };
