import { startOutboxes } from "#core/blocks/state/outbox-delivery.ts";
import type { Platform } from "#core/ports/platform.ts";
import type { AppContext } from "./app-context.ts";
import type { Components } from "./load-components.ts";
import { createKeyedRuns, type Running } from "./reload/keyed-runs.ts";

/** Delivers the events that wait in the outboxes of an app's state stores. */
export interface AppOutboxes {
  /** From now on `follow` starts them. */
  enable(): void;
  /** Starts what is missing, and restarts what runs on components that have been replaced. */
  follow(components: Components): Promise<void>;
  stop(): Promise<void>;
}

export function createAppOutboxes(
  app: AppContext,
  platform: Platform,
  stopping: AbortSignal,
): AppOutboxes {
  const running = createKeyedRuns<Running>();
  let isEnabled = false;
  return {
    enable: () => void (isEnabled = true),
    follow: async (components) => {
      if (!isEnabled || stopping.aborted) return;
      await running.apply(
        new Map(
          components.all("state").flatMap((store) => {
            const { outbox } = store;
            if (!outbox) return [];
            const of = [store, components.entries.get(outbox.settings.internalPubsub)];
            return [
              [
                store.name,
                { of, overlaps: true, start: () => startOutboxes(app, [store], platform) },
              ],
            ];
          }),
        ),
      );
      if (stopping.aborted) await running.stop();
    },
    stop: () => running.stop(),
  };
}
