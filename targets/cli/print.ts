import { printable } from "#k8s/inspect/table.ts";
import type { Cli } from "./cli.ts";
import type { Flag, Flags } from "./flags.ts";

export const outputFlag: Flag = {
  name: "output",
  type: "text",
  short: "o",
  default: "text",
  choices: ["text", "json"],
  about: "Output format: text or json",
};

/** True if the user wants output for programs: `-o json`. */
export function isJson(flags: Flags): boolean {
  return flags.text("output") === "json";
}

export function printJson(cli: Cli, value: unknown): void {
  cli.out(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** One line for each fact that has a value. */
export function printFacts(
  cli: Cli,
  facts: ReadonlyArray<readonly [name: string, value: string | undefined]>,
): void {
  const width = Math.max(...facts.map(([name]) => name.length)) + 3;
  for (const [name, value] of facts)
    if (value !== undefined) cli.out(`${`${name}:`.padEnd(width)}${printable(value)}\n`);
}
