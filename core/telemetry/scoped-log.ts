import type { Log } from "#core/ports/platform.ts";

/** The same log, whose lines say which part of the runtime they come from (`dapr.runtime.http`, `dapr.contrib`…). */
export function scopedLog(log: Log, scope: string): Log {
  return {
    debug: (message, fields) => log.debug(message, { scope, ...fields }),
    info: (message, fields) => log.info(message, { scope, ...fields }),
    warn: (message, fields) => log.warn(message, { scope, ...fields }),
    error: (message, fields) => log.error(message, { scope, ...fields }),
  };
}
