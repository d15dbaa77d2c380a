import { isRecord } from "#core/util/json.ts";
import { printable } from "./table.ts";

/** Longer lines are passed over: no runtime writes such, and half a line says nothing. */
const longestLine = 64 * 1024;

/** Lines of a text that comes in pieces. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let isTooLong = false;
  for await (const chunk of chunks) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = pieces.pop() ?? "";
    for (const line of pieces) {
      if (!isTooLong && line.length <= longestLine) yield line;
      isTooLong = false;
    }
    if (rest.length > longestLine) {
      isTooLong = true;
      rest = "";
    }
  }
  if (rest !== "" && !isTooLong) yield rest;
}

/** Which lines of a runtime's log are about an app. */
export interface AppFilter {
  readonly appId: string;
  readonly namespace: string;
}

/**
 * A line of the runtime's log, as it is to be shown; `undefined` where it is about another app, or about none.
 * Lines that name no namespace count for every app of that id.
 */
export function lineOf(
  line: string,
  { appId, namespace }: AppFilter,
  form: "json" | "text",
): string | undefined {
  const record = recordOf(line);
  if (!record) {
    // A runtime without --log-as-json writes logfmt.
    if (textField(line, "app_id") !== appId) return undefined;
    const of = textField(line, "namespace");
    return of === undefined || of === namespace ? printable(line) : undefined;
  }
  if (record["app_id"] !== appId) return undefined;
  const of = record["namespace"];
  if (typeof of === "string" && of !== "" && of !== namespace) return undefined;
  return form === "json" ? printable(line) : textOf(record);
}

function recordOf(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function textField(line: string, name: string): string | undefined {
  const found = new RegExp(`(?:^| )${name}=(?:"([^"\\\\]*)"|([^\\s"]+))(?= |$)`).exec(line);
  return found?.[1] ?? found?.[2];
}

/** The same on every line of one app. */
const usual = new Set([
  "time",
  "level",
  "msg",
  "app_id",
  "namespace",
  "instance",
  "scope",
  "type",
  "ver",
]);

/** `2026-01-02T03:04:05.678Z warning  message  name=value` */
function textOf(record: Readonly<Record<string, unknown>>): string {
  const text = (name: string): string => {
    const value = record[name];
    return typeof value === "string" ? value : "";
  };
  const time = text("time").replace(/(\.\d{3})\d*Z$/, "$1Z");
  const rest = Object.entries(record)
    .filter(([name]) => !usual.has(name))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return printable([`${time} ${text("level").padEnd(7)} ${text("msg")}`, ...rest].join("  "));
}
