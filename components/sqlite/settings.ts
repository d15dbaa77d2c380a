import { type Options, optionsOf } from "#components/_shared/options.ts";
import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";
import { state } from "./manifest.ts";

export interface SqliteSettings {
  /** What SQLite opens: a path or a `file:` URI. */
  readonly location: string;
  readonly pragmas: readonly string[];
  /** Longest wait for another process that holds the database, in milliseconds. */
  readonly waitMs: number;
  readonly table: string;
  readonly metadataTable: string;
  /** Zero means never. */
  readonly cleanupMs: number;
}

export function readSettings(spec: ComponentSpec): SqliteSettings {
  const options = optionsOf(spec, state.options);
  return {
    ...readFileSettings(spec, state.options),
    table: identifier(options.text("tableName") ?? ""),
    metadataTable: identifier(options.text("metadataTableName") ?? ""),
    cleanupMs: secondsOrDuration(spec, options, "cleanupInterval", "cleanupIntervalInSeconds") ?? 0,
  };
}

/** Which file, and how long to wait for it; the table has to have these options. */
export function readFileSettings(
  spec: ComponentSpec,
  table: OptionTable,
): Pick<SqliteSettings, "location" | "pragmas" | "waitMs"> {
  const options = optionsOf(spec, table);
  const connection = options.text("connectionString") ?? options.text("url");
  if (connection === undefined) throw new Error("missing connection string");
  const timeout = secondsOrDuration(spec, options, "timeout", "timeoutInSeconds") ?? 0;
  if (timeout < 1000) throw new Error("invalid value for 'timeout': must be greater than 1s");
  return {
    ...readConnection(connection, options.flag("disableWAL")),
    waitMs: Math.max(0, Math.min(timeout, options.duration("busyTimeout", 1000) ?? 0)),
  };
}

function secondsOrDuration(
  { metadata }: ComponentSpec,
  options: Options,
  name: string,
  other: string,
): number | undefined {
  return metadata[name.toLowerCase()]
    ? options.duration(name, 1000)
    : (options.duration(other, 1000) ?? options.duration(name, 1000));
}

/** Stands in SQL as it is. */
export function identifier(name: string): string {
  if (!/^[A-Za-z0-9_]+$/.test(name))
    throw new Error(`invalid identifier: ${name}; use letters, digits and underscores`);
  return name;
}

/** What SQLite opens for a connection string, and the pragmas that belong to it. Throws for what it must not say. */
export function readConnection(
  text: string,
  disableWal: boolean,
): Pick<SqliteSettings, "location" | "pragmas"> {
  const question = text.indexOf("?");
  const path = question === -1 ? text : text.slice(0, question);
  const query = new URLSearchParams(question === -1 ? "" : text.slice(question + 1));
  const lower = path.toLowerCase();
  const inMemory = lower.startsWith(":memory:") || lower.startsWith("file::memory:");
  const readOnly = query.get("mode") === "ro" || query.get("immutable") === "1";
  // FULL: an acknowledged write outlives a loss of power, which WAL alone does not promise.
  const pragmas = ["synchronous=FULL"];
  for (const pragma of query.getAll("_pragma")) pragmas.push(readPragma(pragma));
  if (!inMemory) pragmas.push(`journal_mode=${disableWal || readOnly ? "DELETE" : "WAL"}`);
  const kept = new URLSearchParams();
  for (const [name, value] of query) if (!name.startsWith("_")) kept.append(name, value);
  const uri = lower.startsWith("file:") ? path : `file:${path}`;
  return { location: kept.size === 0 ? uri : `${uri}?${kept.toString()}`, pragmas };
}

const forbidden: ReadonlySet<string> = new Set(["busy_timeout", "journal_mode", "foreign_keys"]);

/** `name(value)` or `name=value`, nothing else: the text goes into SQL. */
function readPragma(text: string): string {
  const found = /^\s*(\w+)\s*(?:\(\s*([-\w]+)\s*\)|=\s*([-\w]+))\s*$/.exec(text);
  const name = (found?.[1] ?? text.split(/\W/, 1)[0] ?? "").toLowerCase();
  if (forbidden.has(name))
    throw new Error(`found forbidden option '_pragma=${name}' in the connection string`);
  if (!found)
    throw new Error(
      `cannot read _pragma=${text} in the connection string; write it as name(value)`,
    );
  return `${name}=${found[2] ?? found[3]}`;
}
