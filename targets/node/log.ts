import { hostname } from "node:os";
import type { Log } from "#core/ports/platform.ts";

/** `fatal`: only the last line of a start that has failed. */
export const levels = ["debug", "info", "warning", "error", "fatal"] as const;
export type Level = (typeof levels)[number];
export interface LogOptions {
  readonly level: Level;
  readonly json: boolean;
  readonly version: string;
  /** On every line, where a process has one app; lines about an app of several say their own. */
  readonly appId?: string | undefined;
  /** On every line, where all that a process hosts is of one. */
  readonly namespace?: string | undefined;
  write(line: string): void;
}

/** Lines as Dapr writes them (logrus' text form, or JSON), so that what reads its logs reads ours. */
export function createLog(options: LogOptions): Log {
  const least = levels.indexOf(options.level);
  const always = {
    ...(options.appId === undefined ? {} : { app_id: options.appId }),
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    instance: hostname(),
    scope: "dapr.runtime",
    type: "log",
    ver: options.version,
  };
  const time = timestamps();
  const at =
    (usual: Level) =>
    (message: string, fields?: { readonly level?: Level }): void => {
      const level = fields?.level ?? usual;
      if (levels.indexOf(level) < least) return;
      const record: Record<string, unknown> = {
        time: time(),
        level,
        msg: message,
        ...always,
        ...fields,
      };
      options.write(options.json ? printable(JSON.stringify(record)) : logfmt(record));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

function logfmt(record: Readonly<Record<string, unknown>>): string {
  let line = "";
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
    line += `${line === "" ? "" : " "}${name}=${/^[\w./@^+-]+$/.test(text) && name !== "time" ? text : printable(JSON.stringify(text))}`;
  }
  return line;
}

/** JSON leaves these as they are, and terminals and line readers act on them: values come from callers. */
function printable(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** RFC 3339 in nine digits, though clocks here know only six. */
function timestamps(): () => string {
  let offset = Date.now() - performance.now();
  return () => {
    let now = performance.now() + offset;
    const wall = Date.now();
    // The wall clock was set, or the machine has slept.
    if (Math.abs(wall - now) > 2) {
      offset = wall - performance.now();
      now = wall;
    }
    const whole = Math.floor(now);
    const micros = Math.floor((now - whole) * 1000);
    return new Date(whole).toISOString().replace("Z", `${String(micros).padStart(3, "0")}000Z`);
  };
}
