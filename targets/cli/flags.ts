import { parseDuration } from "#core/util/duration.ts";
import { parseQuantity } from "#core/util/quantity.ts";

/** How a flag's text is read; `port` is a number from 0 to 65535, `list` may be repeated and holds commas. */
export type FlagType = "text" | "boolean" | "number" | "port" | "list" | "duration" | "quantity";

/** One row of a table from which both parsing and `--help` are made. */
export interface Flag {
  readonly name: string;
  readonly type: FlagType;
  /** As it would be written; absent means that nothing is set. */
  readonly default?: string;
  readonly aliases?: readonly string[];
  /** One letter, as in `-a`. */
  readonly short?: string;
  readonly choices?: readonly string[];
  readonly about: string;
  /** True: the flag is taken so that command lines for daprd work, and does nothing. */
  readonly unused?: true;
}

/** What a user gave cannot be used; the message says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Flags {
  /** True when the user said something about it. */
  given(name: string): boolean;
  text(name: string): string;
  boolean(name: string): boolean;
  /** Milliseconds for a duration, bytes for a quantity; `undefined` without value and default. */
  number(name: string): number | undefined;
  list(name: string): readonly string[];
}

/** Reads all given texts by the table. Throws a `UsageError` that names the flag as `label` spells it. */
export function readFlags(
  table: readonly Flag[],
  given: ReadonlyMap<string, readonly string[]>,
  label: (name: string) => string = (name) => `--${name}`,
): Flags {
  const values = new Map<string, string | boolean | number | readonly string[] | undefined>();
  for (const flag of table)
    values.set(flag.name, readValue(flag, given.get(flag.name), label(flag.name)));
  const value = (name: string): string | boolean | number | readonly string[] | undefined => {
    if (!values.has(name)) throw new Error(`No flag "${name}" in this table`);
    return values.get(name);
  };
  return {
    given: (name) => given.has(name),
    text: (name) => String(value(name) ?? ""),
    boolean: (name) => value(name) === true,
    number: (name) => value(name) as number | undefined,
    list: (name) => value(name) as readonly string[],
  };
}

type Value = string | boolean | number | readonly string[] | undefined;

function readValue(flag: Flag, given: readonly string[] | undefined, label: string): Value {
  if (flag.type === "list")
    return (given ?? (flag.default === undefined ? [] : [flag.default])).flatMap((text) =>
      text
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    );
  const text = given?.at(-1) ?? flag.default;
  if (text === undefined) return undefined;
  const wanted = (what: string): never => {
    throw new UsageError(`Invalid value ${JSON.stringify(text)} for ${label}: give ${what}`);
  };
  switch (flag.type) {
    case "text":
      if (text !== "" && flag.choices && !flag.choices.includes(text.toLowerCase()))
        return wanted(`one of ${flag.choices.join(", ")}`);
      return flag.choices ? text.toLowerCase() : text;
    case "boolean":
      return readBoolean(text) ?? wanted("true or false");
    case "number":
      return readWhole(text) ?? wanted("a whole number");
    case "port": {
      if (text === "") return undefined;
      const port = readWhole(text);
      // Dapr: its own CLI writes -1 for "no port".
      if (port === -1) return undefined;
      return port !== undefined && port >= 0 && port <= 65_535
        ? port
        : wanted("a port from 0 to 65535");
    }
    case "duration":
      return parseDuration(text) ?? wanted('a duration, like "5s" or "1m30s"');
    case "quantity":
      // Dapr: -1 stands for the default.
      if (text === "-1") return parseQuantity(flag.default ?? "");
      return parseQuantity(text) ?? wanted('a size, like "4Mi" or "16Ki"');
  }
}

function readBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (/^(?:0|f|false)$/i.test(text)) return false;
  return undefined;
}

function readWhole(text: string): number | undefined {
  const value = Number(text);
  return /^[-+]?\d{1,15}$/.test(text) ? value : undefined;
}
