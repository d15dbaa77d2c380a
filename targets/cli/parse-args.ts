import { type Flag, UsageError } from "./flags.ts";

/** Arguments by their name in the table. Nothing is converted yet. */
export interface ParsedArgs {
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Flags that are not in the table, as they were written, without their values. */
  readonly unknown: readonly string[];
  /** Everything that is not a flag, and everything after `--`. */
  readonly rest: readonly string[];
  /** True if `--` was given: everything after it is meant for the command. */
  readonly isSeparated: boolean;
}
export interface ParseOptions {
  /**
   * True if flags end at the first argument that is not a flag, because a command with its own
   * flags follows.
   */
  readonly restIsCommand: boolean;
  /** True if `-fvalue` is the flag with the letter f. False if it is `--fvalue`, as in daprd. */
  readonly letters: boolean;
}

/**
 * Reads `--flag=value`, `--flag value`, `-flag`, `-f value` and `-fvalue`. Booleans need no value.
 *
 * @throws {UsageError} if a value is missing.
 */
export function parseArgs(
  table: readonly Flag[],
  args: readonly string[],
  { restIsCommand, letters }: ParseOptions,
): ParsedArgs {
  const byName = new Map<string, Flag>();
  for (const flag of table)
    for (const name of [flag.name, ...(flag.aliases ?? [])]) byName.set(name, flag);
  const byLetter = new Map(table.flatMap((flag) => (flag.short ? [[flag.short, flag]] : [])));
  const given = new Map<string, string[]>();
  const unknown: string[] = [];
  const rest: string[] = [];
  let isSeparated = false;
  const add = (flag: Flag, value: string): void => {
    const before = given.get(flag.name);
    if (before) before.push(value);
    else given.set(flag.name, [value]);
  };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === "--") {
      rest.push(...args.slice(i + 1));
      isSeparated = true;
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      if (restIsCommand) {
        rest.push(...args.slice(i));
        break;
      }
      rest.push(arg);
      continue;
    }
    const written = splitFlag(arg, byName, byLetter, letters);
    if (!written.flag) {
      unknown.push(written.name);
      // Most flags have a value. Skipping it keeps the message to the flag itself.
      const next = args[i + 1];
      if (written.value === undefined && next !== undefined && !next.startsWith("-")) i++;
      continue;
    }
    if (written.value !== undefined) add(written.flag, written.value);
    else if (written.flag.type === "boolean") add(written.flag, "true");
    else {
      const next = args[++i];
      if (next === undefined) throw new UsageError(`Flag ${written.name} needs a value`);
      add(written.flag, next);
    }
  }
  return { given, unknown, rest, isSeparated };
}

interface Written {
  /** The flag as the user wrote it. */
  readonly name: string;
  readonly flag: Flag | undefined;
  readonly value: string | undefined;
}

function splitFlag(
  arg: string,
  byName: ReadonlyMap<string, Flag>,
  byLetter: ReadonlyMap<string, Flag>,
  letters: boolean,
): Written {
  const equals = arg.indexOf("=");
  const name = equals === -1 ? arg : arg.slice(0, equals);
  const value = equals === -1 ? undefined : arg.slice(equals + 1);
  const long = byName.get(name.startsWith("--") ? name.slice(2) : name.slice(1));
  if (long || name.startsWith("--")) return { name, flag: long, value };
  const flag = byLetter.get(name[1] as string);
  if (!flag || name.length === 2) return { name, flag, value };
  if (!letters || flag.type === "boolean") return { name, flag: undefined, value };
  return { name: name.slice(0, 2), flag, value: arg.slice(2) };
}
