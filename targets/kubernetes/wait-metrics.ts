import type { Clock } from "#core/ports/platform.ts";

/**
 * What a call or a connection waits for before anything is done for it. `pod`: news of the pod that it comes from.
 * `group`: the process of its group. `components`: those of its app.
 */
export type WaitReason = "pod" | "group" | "components";

/** How often, and for how long in all, the runtime let callers wait: what a pod that starts may meet with. */
export interface WaitMetrics {
  /** Gives back what ends the wait, once. */
  begin(reason: WaitReason): () => void;
  /** As Prometheus reads it, with these labels beside the reason. */
  text(labels?: Readonly<Record<string, string>>): string;
}

export function createWaitMetrics(clock: Pick<Clock, "monotonic">): WaitMetrics {
  const none = () => ({ count: 0, ms: 0 });
  const held: Record<WaitReason, { count: number; ms: number }> = {
    pod: none(),
    group: none(),
    components: none(),
  };
  return {
    begin: (reason) => {
      const since = clock.monotonic();
      return () => {
        held[reason].count++;
        held[reason].ms += clock.monotonic() - since;
      };
    },
    text: (labels = {}) => {
      const rest = Object.entries(labels).map(([name, value]) => `,${name}="${value}"`);
      const family = (name: string, help: string, value: "count" | "ms", per: number): string => {
        const lines = Object.entries(held).map(
          ([reason, sum]) => `${name}{reason="${reason}"${rest.join("")}} ${sum[value] / per}\n`,
        );
        return `# HELP ${name} ${help}\n# TYPE ${name} counter\n${lines.join("")}`;
      };
      return [
        family(
          "outrigger_held_calls_total",
          "Calls and connections that waited for news of their pod, for the process of their group or for components.",
          "count",
          1,
        ),
        family("outrigger_held_seconds_total", "How long they waited in all.", "ms", 1000),
      ].join("");
    },
  };
}
