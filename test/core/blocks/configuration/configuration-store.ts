import type { ConfigurationItems, ConfigurationStore } from "#core/ports/configuration-store.ts";
import type { Metadata } from "#core/ports/component.ts";

interface Watch {
  readonly keys: readonly string[];
  readonly metadata: Metadata;
  readonly changed: (items: ConfigurationItems) => Promise<void>;
  readonly signal: AbortSignal;
}
/** A configuration store whose changes a test makes. */
export interface FakeConfigurationStore {
  readonly port: ConfigurationStore;
  /** What `get` was asked. */
  readonly asked: Array<{ readonly keys: readonly string[]; readonly metadata: Metadata }>;
  /** Those that still watch. */
  readonly watches: readonly Watch[];
  /** Tells all that watch; resolves once they have dealt with it. */
  change(items: ConfigurationItems): Promise<void>;
  /** From now on every call fails with that text. */
  fail(why: string): void;
}

export function fakeConfigurationStore(items: ConfigurationItems = {}): FakeConfigurationStore {
  const asked: FakeConfigurationStore["asked"] = [];
  const watches = new Set<Watch>();
  let failure: string | undefined;
  const port: ConfigurationStore = {
    get: async (keys, metadata) => {
      asked.push({ keys, metadata });
      if (failure !== undefined) throw new Error(failure);
      return keys.length === 0
        ? items
        : Object.fromEntries(Object.entries(items).filter(([key]) => keys.includes(key)));
    },
    watch: async (keys, metadata, changed, { signal }) => {
      if (failure !== undefined) throw new Error(failure);
      signal.throwIfAborted();
      const watch = { keys, metadata, changed, signal };
      watches.add(watch);
      signal.addEventListener("abort", () => watches.delete(watch), { once: true });
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    port,
    asked,
    get watches() {
      return [...watches];
    },
    change: async (changed) => {
      await Promise.all([...watches].map((watch) => watch.changed(changed)));
    },
    fail: (why) => (failure = why),
  };
}
