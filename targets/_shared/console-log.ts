// oxlint-disable no-console -- what these platforms collect is the console
import type { Log } from "#core/ports/platform.ts";

type Write = (message: string, fields?: object) => void;

/** Objects, not lines: Workers index their fields. */
export const objectLog: Log = {
  debug: (msg, fields) => console.debug({ msg, ...fields }),
  info: (msg, fields) => console.info({ msg, ...fields }),
  warn: (msg, fields) => console.warn({ msg, ...fields }),
  error: (msg, fields) => console.error({ msg, ...fields }),
};

/** One JSON text a line, where the platform keeps text; the console's methods give the level. */
export const lineLog: Log = {
  debug: line(console.debug),
  info: line(console.info),
  warn: line(console.warn),
  error: line(console.error),
};
function line(write: (text: string) => void): Write {
  return (msg, fields) => write(JSON.stringify({ msg, ...fields }));
}
