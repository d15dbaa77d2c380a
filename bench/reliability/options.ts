import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface Options {
  readonly mode: Mode;
  /** As for `--coordination` of the runtime; `sqlite` and `redis` alone are databases of the run. */
  readonly coordination: string;
  readonly seed: number;
  readonly program: string | undefined;
  readonly json: string | undefined;
  number(name: NumberOption): number;
}
export const modes = ["turns", "reminders", "rebalance", "idle", "due-times"] as const;
export type Mode = (typeof modes)[number];

/** Defaults: the long run. */
const numbers = {
  turns: 1_000_000,
  rebalances: 100,
  kills: 20,
  pauses: 0,
  outages: 0,
  pods: 4,
  actors: 1000,
  callers: 32,
  idle: 10_000,
  reminders: 20_000,
  fires: 5,
  seconds: 60,
  entries: 1_000_000,
} as const;
export type NumberOption = keyof typeof numbers;
/** Where a mode has another default. */
const ofMode: Readonly<Partial<Record<Mode, Partial<Record<NumberOption, number>>>>> = {
  reminders: { kills: 200, rebalances: 0, pods: 2, seconds: 1200 },
  rebalance: { actors: 40, rebalances: 5, pods: 3 },
  idle: { actors: 100_000 },
};

/** Throws with what to correct. */
export function readOptions(args: readonly string[]): Options {
  const texts = Object.keys(numbers).map((name) => [name, { type: "string" }] as const);
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      coordination: { type: "string", default: "sqlite" },
      seed: { type: "string", default: "1" },
      runtime: { type: "string" },
      json: { type: "string" },
      ...Object.fromEntries(texts),
    },
  });
  const given: Readonly<Record<string, unknown>> = values;
  const [mode = "turns", ...more] = positionals;
  if (!modes.includes(mode as Mode) || more.length > 0)
    throw new Error(`The mode must be one of ${modes.join(", ")}, not ${positionals.join(" ")}`);
  const whole = (name: string, value: unknown): number => {
    if (!/^\d{1,9}$/.test(String(value)))
      throw new Error(`--${name} must be a whole number, not ${String(value)}`);
    return Number(value);
  };
  return {
    mode: mode as Mode,
    coordination: String(given["coordination"]),
    seed: whole("seed", given["seed"]),
    program: given["runtime"] as string | undefined,
    json: given["json"] as string | undefined,
    number: (name) => whole(name, given[name] ?? ofMode[mode as Mode]?.[name] ?? numbers[name]),
  };
}
