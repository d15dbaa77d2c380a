/** Something that runs until it is stopped. */
export interface Running {
  stop(): Promise<void>;
}
export interface WantedRun<R extends Running> {
  /** What it was made of, compared by identity: while all of it is the same, what runs goes on. */
  readonly of: readonly unknown[];
  /** True: the new one runs before the old one stops, so that nothing falls between them. */
  readonly overlaps?: boolean;
  start(): Promise<R>;
}

/** Things that run side by side, each under a name. Only what has changed is stopped and started. */
export interface KeyedRuns<R extends Running> {
  /** In the order wanted. */
  readonly running: readonly R[];
  /** Stops what is not wanted any more or is made of something else, and starts what is missing. `runs` hears once all that is wanted runs; what is not may still have work to end. */
  apply(wanted: ReadonlyMap<string, WantedRun<R>>, runs?: () => void): Promise<void>;
  stop(): Promise<void>;
}

export function createKeyedRuns<R extends Running>(): KeyedRuns<R> {
  let runs = new Map<string, { readonly of: readonly unknown[]; readonly running: R }>();
  return {
    get running() {
      return [...runs.values()].map(({ running }) => running);
    },
    apply: async (wanted, isApplied) => {
      const before = runs;
      const ending: Array<Promise<void>> = [];
      const started = await Promise.all(
        [...wanted].map(async ([name, { of, overlaps, start }]) => {
          const old = before.get(name);
          if (old && isSame(old.of, of)) return [name, old] as const;
          if (!overlaps) await old?.running.stop();
          const running = await start();
          if (overlaps && old) ending.push(old.running.stop().catch(() => {}));
          return [name, { of, running }] as const;
        }),
      );
      const gone = [...before].filter(([name]) => !wanted.has(name));
      runs = new Map(started);
      ending.push(...gone.map(([, { running }]) => running.stop()));
      isApplied?.();
      await Promise.allSettled(ending);
    },
    stop: async () => {
      const all = [...runs.values()];
      runs = new Map();
      await Promise.allSettled(all.map(({ running }) => running.stop()));
    },
  };
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}
