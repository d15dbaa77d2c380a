import { parseDuration } from "#core/util/duration.ts";
import { parseQuantity } from "#core/util/quantity.ts";

/**
 * How the value of a flag is read. `port` is a number from 0 to 65535; `list` can be repeated and
 * contain commas.
 */
export type FlagType = "text" | "boolean" | "number" | "port" | "list" | "duration" | "quantity";

/** One row of a table that is used both to parse flags and to print `--help`. */
export interface Flag {
  readonly name: string;
  readonly type: FlagType;
  /** The default as a user would write it; absent if there is none. */
  readonly default?: string;
  readonly aliases?: readonly string[];
  /** One letter, as in `-a`. */
  readonly short?: string;
  readonly choices?: readonly string[];
  readonly about: string;
  /** True if the flag is accepted only so that command lines for daprd work, and has no effect. */
  readonly unused?: true;
}

/** Invalid input of a user. The message tells what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Flags {
  /** True if the user set the flag. */
  given(name: string): boolean;
  text(name: string): string;
  boolean(name: string): boolean;
  /**
   * Milliseconds for a duration, bytes for a quantity; `undefined` if there is neither a value nor
   * a default.
   */
  number(name: string): number | undefined;
  list(name: string): readonly string[];
}

/**
 * Reads all values according to the table.
 *
 * @throws {UsageError} that names the flag as `label` spells it.
 */
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
    throw new UsageError(`Invalid value ${JSON.stringify(text)} for ${label}: expected ${what}`);
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
      // Dapr: its own CLI passes -1 for "no port".
      if (port === -1) return undefined;
      return port !== undefined && port >= 0 && port <= 65_535
        ? port
        : wanted("a port from 0 to 65535");
    }
    case "duration":
      return parseDuration(text) ?? wanted('a duration such as "5s" or "1m30s"');
    case "quantity":
      // Dapr: -1 means the default.
      if (text === "-1") return parseQuantity(flag.default ?? "");
      return parseQuantity(text) ?? wanted('a size such as "4Mi" or "16Ki"');
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
