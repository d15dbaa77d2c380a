import type { Flag } from "./flags.ts";
import type { ParsedArgs } from "./parse-args.ts";

/** Names that hardly any program uses for its own flags. */
const unmistakable =
  /^(?:app-|dapr-|enable-app-health|enable-api-logging|placement-host|scheduler-host|resources-path|components-path|unix-domain-socket)/;

/**
 * Flags of the table that come after the program and are passed to it, although they were probably
 * meant for us. After a `--`, only those that no other program has.
 */
export function misplacedFlags(
  table: readonly Flag[],
  { given, rest, isSeparated }: ParsedArgs,
): readonly string[] {
  const names = new Map(
    table.flatMap(({ name, aliases = [] }) => [name, ...aliases].map((each) => [each, name])),
  );
  return rest.slice(1).filter((arg) => {
    if (!arg.startsWith("--")) return false;
    const name = arg.slice(2).split("=", 1)[0] as string;
    const flag = names.get(name);
    if (flag === undefined || flag === "help" || given.has(flag)) return false;
    return !isSeparated || unmistakable.test(name);
  });
}
