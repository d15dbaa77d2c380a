import type { Life } from "../runtime.ts";
import type { Options } from "./options.ts";
import type { Place } from "./place.ts";
import { measureDueTimes } from "./due-times.ts";
import { measureIdleActors } from "./idle.ts";
import { measureRebalance } from "./rebalance.ts";
import { runReminders } from "./reminders.ts";
import { runTurns } from "./turns.ts";

export interface ModeResult {
  readonly faults: readonly string[];
}

export function runMode(options: Options, place: Place, life: Life): Promise<ModeResult> {
  const { number, seed, program } = options;
  const report = (line: string): void => console.error(line);
  const common = { place, seed, program, report };
  switch (options.mode) {
    case "turns":
      return runTurns(
        {
          ...common,
          turns: number("turns"),
          rebalances: number("rebalances"),
          kills: number("kills"),
          pauses: number("pauses"),
          outages: number("outages"),
          pods: number("pods"),
          actors: number("actors"),
          callers: number("callers"),
        },
        life,
      );
    case "reminders":
      return runReminders(
        {
          ...common,
          reminders: number("reminders"),
          namespaces: 3,
          leadMs: 5000 + number("reminders") * 4,
          fires: number("fires"),
          kills: number("kills"),
          rebalances: number("rebalances"),
          pods: number("pods"),
          seconds: number("seconds"),
        },
        life,
      );
    case "rebalance":
      return measureRebalance(
        {
          ...common,
          pods: number("pods"),
          actors: number("actors"),
          idle: number("idle"),
          rebalances: number("rebalances"),
        },
        life,
      );
    case "idle":
      return measureIdleActors({ ...common, actors: number("actors") }, life);
    case "due-times":
      return measureDueTimes({ place, entries: number("entries") }, life);
  }
}
