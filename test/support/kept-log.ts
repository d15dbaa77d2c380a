import type { Log } from "#core/ports/platform.ts";

/** A log that a test reads. */
export interface KeptLog extends Log {
  readonly lines: ReadonlyArray<{ readonly level: string; readonly message: string }>;
  of(level: "debug" | "info" | "warn" | "error"): readonly string[];
}

export function keptLog(): KeptLog {
  const lines: Array<{ readonly level: string; readonly message: string }> = [];
  const write =
    (level: string) =>
    (message: string): void => {
      lines.push({ level, message });
    };
  return {
    lines,
    of: (level) => lines.filter((line) => line.level === level).map(({ message }) => message),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
}
