const units: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** setTimeout fires at once for more. */
const longest = 2 ** 31 - 1;

/** `grpc-timeout` in milliseconds; `undefined` where the caller sets none or it is malformed. */
export function timeoutMs(text: string | undefined): number | undefined {
  const match = text === undefined ? undefined : /^(\d{1,8})([HMSmun])$/.exec(text);
  if (!match) return undefined;
  return Math.min(Math.ceil(Number(match[1]) * (units[match[2] as string] as number)), longest);
}
