import { hostname } from "node:os";
import type { Log } from "#core/ports/platform.ts";

export const levels = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof levels)[number];
export interface LogOptions {
  readonly level: Level;
  readonly json: boolean;
  readonly version: string;
  write(line: string): void;
}

/** Lines as Dapr writes them (logrus' text form, or JSON), so that what reads its logs reads ours. */
export function createLog(options: LogOptions): Log {
  const least = levels.indexOf(options.level);
  const always = { instance: hostname(), type: "log", ver: options.version };
  const at =
    (level: Level) =>
    (message: string, fields?: object): void => {
      if (levels.indexOf(level) < least) return;
      const record: Record<string, unknown> = {
        time: new Date().toISOString(),
        level,
        msg: message,
        scope: "dapr.runtime",
        ...always,
        ...fields,
      };
      options.write(options.json ? JSON.stringify(record) : logfmt(record));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

function logfmt(record: Readonly<Record<string, unknown>>): string {
  let line = "";
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    line += `${line === "" ? "" : " "}${name}=${/^[\w./@^+-]+$/.test(text) && name !== "time" ? text : JSON.stringify(text)}`;
  }
  return line;
}
