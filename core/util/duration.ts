const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const whole = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/;
const part = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g;

/** `5s`, `500ms`, `1m0s`: as Go prints a duration. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}m${seconds % 60}s`
    : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}

/** As much as a count of nanoseconds holds: 292 years. */
const mostMs = 2 ** 63 / 1e6;

/** Milliseconds of a Go duration (`1h30m`, `300ms`, `-1.5s`); `undefined` for any other text. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (text.length > 64 || !whole.test(text)) return undefined;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(part))
    ms += Number(count) * (unitMs[unit as string] as number);
  if (ms > mostMs) return undefined;
  return text.startsWith("-") ? -ms : ms;
}
