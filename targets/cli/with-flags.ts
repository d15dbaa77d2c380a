import { didYouMean } from "#core/util/nearest.ts";
import type { Cli } from "./cli.ts";
import { reasonText } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";
import { flagHelp } from "./flag-help.ts";
import { type Flag, type Flags, readFlags, UsageError } from "./flags.ts";
import { parseArgs } from "./parse-args.ts";

export interface CommandHelp {
  /** As it is written after `outrigger`. */
  readonly command: string;
  readonly usage: string;
  /** Printed after the flags. */
  readonly notes?: string;
  readonly table: readonly Flag[];
}

/**
 * Runs a command that takes flags anywhere among its other arguments. Prints its help, and what is wrong. Resolves with
 * the exit code: 1 where the arguments are invalid, or `run` rejects.
 */
export async function withFlags(
  { command, usage, notes, table }: CommandHelp,
  args: readonly string[],
  cli: Cli,
  run: (flags: Flags, rest: readonly string[]) => Promise<number>,
): Promise<number> {
  try {
    const parsed = parseArgs(table, args, { restIsCommand: false, letters: true });
    const [unknown] = parsed.unknown;
    if (unknown !== undefined) {
      const known = table.map(({ name }) => name);
      throw new UsageError(
        `Unknown flag ${unknown}${didYouMean(unknown.replace(/^-+/, ""), known)}`,
      );
    }
    const flags = readFlags(table, parsed.given);
    if (flags.boolean("help")) {
      const after = notes === undefined ? "" : `\n${notes}`;
      cli.out(`${usage}\n${flagHelp(table, { short: true })}${after}`);
      return 0;
    }
    return await run(flags, parsed.rest);
  } catch (reason) {
    cli.err(`${reasonText(reason)}\n`);
    if (reason instanceof UsageError) cli.err(`${usage}See outrigger ${command} --help\n`);
    return 1;
  }
}

/** Runs the work until a signal asks it to end; resolves with `interrupted` where the work rejects because of that. */
export async function untilInterrupted(
  cli: Cli,
  work: (signal: AbortSignal) => Promise<number>,
  interrupted = 130,
): Promise<number> {
  const controller = new AbortController();
  const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
  void ending.asked.then((code) => controller.abort(new Interrupted(code)));
  try {
    return await work(controller.signal);
  } catch (reason) {
    if (controller.signal.aborted) return interrupted;
    throw reason;
  } finally {
    ending.close();
  }
}

class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(code: number) {
    super(`interrupted (${code})`);
  }
}
