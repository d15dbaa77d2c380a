import { hostname } from "node:os";
import type { Log } from "#core/ports/platform.ts";

/** `fatal`: only the last line of a start that has failed. */
export const levels = ["debug", "info", "warning", "error", "fatal"] as const;
export type Level = (typeof levels)[number];
export interface LogOptions {
  readonly level: Level;
  readonly json: boolean;
  /** Lines for somebody who watches; JSON goes before that. */
  readonly terminal?: TerminalStyle | undefined;
  readonly version: string;
  /** On every line, where a process has one app; lines about an app of several say their own. */
  readonly appId?: string | undefined;
  /** The app of a terminal that shows no other: its id need not be said. */
  readonly onlyApp?: string | undefined;
  /** On every line, where all that a process hosts is of one. */
  readonly namespace?: string | undefined;
  write(line: string): void;
}

export interface TerminalStyle {
  readonly colour: boolean;
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
      if (options.json) options.write(printable(JSON.stringify(record)));
      else if (options.terminal)
        options.write(shortLine(record, options.appId ?? options.onlyApp, options.terminal));
      else options.write(logfmt(record));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warning"), error: at("error") };
}

/** The same log for what is about one app. */
export function logOf(log: Log, appId: string): Log {
  const about = (fields?: object): object => ({ app_id: appId, ...fields });
  return {
    debug: (message, fields) => log.debug(message, about(fields)),
    info: (message, fields) => log.info(message, about(fields)),
    warn: (message, fields) => log.warn(message, about(fields)),
    error: (message, fields) => log.error(message, about(fields)),
  };
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

const looks: Readonly<Record<Level, readonly [name: string, colour: number]>> = {
  debug: ["DEBUG", 90],
  info: ["INFO ", 36],
  warning: ["WARN ", 33],
  error: ["ERROR", 31],
  fatal: ["FATAL", 31],
};

/** `12:34:56 WARN  message  field=value`, in local time, without what is the same on every line. */
function shortLine(
  record: Readonly<Record<string, unknown>>,
  onlyApp: string | undefined,
  style: TerminalStyle,
): string {
  const { time: _, level, msg, instance, scope, type, ver, namespace, ...rest } = record;
  const { app_id: appId, ...fields } = rest;
  const [name, colour] = looks[level as Level];
  const paint = (code: number, text: string): string =>
    style.colour ? `\u001B[${code}m${text}\u001B[0m` : text;
  const details = logfmt(appId === onlyApp ? fields : rest);
  // A message may quote what callers sent: whatever acts on a terminal is escaped, and only its first line looks like one.
  const text = printable(String(msg))
    .replace(/\p{Cc}/gu, (character) => (character === "\n" ? character : escaped(character)))
    .replaceAll("\n", "\n               ");
  const time = new Date().toTimeString().slice(0, 8);
  return `${paint(90, time)} ${paint(colour, name)} ${text}${details === "" ? "" : `  ${paint(90, details)}`}`;
}

/** JSON leaves these as they are, and terminals and line readers act on them: values come from callers. */
function printable(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
}
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
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
