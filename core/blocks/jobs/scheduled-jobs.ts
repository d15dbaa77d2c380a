import type { RuntimePart } from "#core/kernel/runtime-services.ts";

/** Lets those who run an app's jobs know that there are some: until then they open nothing. */
export interface ScheduledJobs {
  /** A job has been put into that queue, by whatever replica of the app. */
  tell(queue: string): void;
  /** Answers what ends it. */
  onScheduled(queue: string, run: () => void): () => void;
}

export const scheduledJobs: RuntimePart<ScheduledJobs> = {
  name: "jobs.scheduled",
  create: () => {
    const listeners = new Map<string, Set<() => void>>();
    return {
      tell: (queue) => {
        for (const run of listeners.get(queue) ?? []) run();
      },
      onScheduled: (queue, run) => {
        const all = listeners.get(queue) ?? new Set();
        listeners.set(queue, all.add(run));
        return () => {
          all.delete(run);
          if (all.size === 0 && listeners.get(queue) === all) listeners.delete(queue);
        };
      },
    };
  },
};
