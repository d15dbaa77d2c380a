import { appendFileSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Log } from "#core/ports/platform.ts";
import { runtimeVersion } from "#core/blocks/metadata/operations.ts";
import { UsageError } from "./flags.ts";
import { createLog, type Level, type TerminalStyle } from "#targets/node/log.ts";

/** The log level for the value of `--log-level`. */
export function levelOf(text: string): Level {
  switch (text) {
    case "debug":
      return "debug";
    case "warn":
    case "warning":
      return "warning";
    case "error":
      return "error";
    case "fatal":
    case "panic":
      return "fatal";
    default:
      return "info";
  }
}

export function openLog(options: {
  readonly level: Level;
  readonly json: boolean;
  readonly terminal?: TerminalStyle | undefined;
  readonly appId?: string;
  readonly onlyApp?: string;
  readonly namespace?: string | undefined;
  write(line: string): void;
}): Log {
  return createLog({ ...options, version: runtimeVersion });
}

/** Logs the last line of a failed start, in daprd's form. */
export function logFatal(log: Log, reason: unknown): void {
  log.error(`Fatal error from runtime: ${reasonText(reason)}`, { level: "fatal" });
}

export function reasonText(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/**
 * A file that complete lines are appended to in order, even if the process ends immediately
 * afterwards.
 */
export interface LogFile {
  readonly path: string;
  write(line: string): void;
  close(): void;
}

export function openLogFile(path: string): LogFile {
  let file: number;
  try {
    mkdirSync(dirname(resolve(path)), { recursive: true });
    file = openSync(path, "a");
  } catch (reason) {
    throw new UsageError(`Cannot write logs to "${path}": ${reasonText(reason)}`);
  }
  let open = true;
  return {
    path,
    write: (line) => {
      if (open) appendFileSync(file, `${line}\n`);
    },
    close: () => {
      if (open) closeSync(file);
      open = false;
    },
  };
}
