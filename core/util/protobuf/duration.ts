/** A google.protobuf.Duration; the two have the same sign. */
export interface ProtoDuration {
  readonly seconds: number;
  readonly nanos: number;
}

/** Ten thousand years, which is as much as the type allows. */
const mostSeconds = 315_576_000_000;

/** Reads its JSON form, seconds with `s` behind them (`1.5s`); `undefined` for any other text. */
export function parseProtoDuration(text: string): ProtoDuration | undefined {
  const found = /^(-)?(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text);
  if (!found) return undefined;
  const [, minus, whole, fraction = ""] = found;
  const seconds = Number(whole);
  if (seconds > mostSeconds) return undefined;
  const nanos = Number(fraction.padEnd(9, "0"));
  return minus ? { seconds: 0 - seconds, nanos: 0 - nanos } : { seconds, nanos };
}

/** Its JSON form, with none, three, six or nine digits behind the point. */
export function formatProtoDuration({ seconds, nanos }: ProtoDuration): string {
  const minus = seconds < 0 || nanos < 0 ? "-" : "";
  return `${minus}${Math.abs(seconds)}${protoFraction(Math.abs(nanos))}s`;
}

/** Nanoseconds behind a second, as protobuf's JSON writes them. */
export function protoFraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  return `.${digits.replace(/(?:000)+$/, "")}`;
}
