import type { FromGroup } from "../messages.ts";
import type { Hosting } from "./hosting.ts";

/** The answer to one question put to all groups, of those that answer in time. */
export function createMetricsReader(
  hosting: Pick<Hosting, "groups">,
  waitMs = 3000,
): {
  read(): Promise<readonly string[]>;
  hear(message: Extract<FromGroup, { readonly type: "metrics" }>): void;
} {
  const waiting = new Map<number, (text: string) => void>();
  let ids = 0;
  return {
    hear: ({ id, text }) => {
      waiting.get(id)?.(text);
      waiting.delete(id);
    },
    read: () =>
      Promise.all(
        hosting.groups.map((group) => {
          const id = ++ids;
          return new Promise<string>((resolve) => {
            const timer = setTimeout(() => {
              waiting.delete(id);
              resolve("");
            }, waitMs);
            waiting.set(id, (text) => {
              clearTimeout(timer);
              resolve(text);
            });
            if (!group.ask({ type: "read-metrics", id })) waiting.get(id)?.("");
          });
        }),
      ),
  };
}
