import type { Clock } from "#core/ports/platform.ts";
import type { FromGroup } from "../messages.ts";
import type { GroupAssignment } from "./group-assignment.ts";

/** The answer to one question put to all groups, of those that answer in time. */
export interface MetricsReader {
  read(): Promise<readonly string[]>;
  hear(message: Extract<FromGroup, { readonly type: "metrics" }>): void;
  /** Answers that have yet to come. */
  readonly waiting: number;
}

export function createMetricsReader(
  assignment: Pick<GroupAssignment, "groups">,
  clock: Pick<Clock, "after">,
  waitMs = 3000,
): MetricsReader {
  const waiting = new Map<number, (text: string) => void>();
  let ids = 0;
  function answer(id: number, text: string): void {
    waiting.get(id)?.(text);
    waiting.delete(id);
  }
  return {
    hear: ({ id, text }) => answer(id, text),
    get waiting() {
      return waiting.size;
    },
    read: () =>
      Promise.all(
        assignment.groups.map((group) => {
          const id = ++ids;
          return new Promise<string>((resolve) => {
            const cancel = clock.after(waitMs, () => answer(id, ""));
            waiting.set(id, (text) => {
              cancel();
              resolve(text);
            });
            if (!group.ask({ type: "read-metrics", id })) answer(id, "");
          });
        }),
      ),
  };
}
