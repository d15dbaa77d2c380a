/**
 * What a plain scalar stands for. Dapr reads resources by YAML 1.1 as Go's reader understands it: `on` is true,
 * `010` is eight, `1_000` a thousand, and a date is text.
 */

const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map(
    (word) => [word, true] as const,
  ),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map(
    (word) => [word, false] as const,
  ),
]);
const integer = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))$/;
const float = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const least = -(2n ** 63n);
const most = 2n ** 64n - 1n;

/** A whole number that a 64-bit float cannot hold comes as its digits. */
export function plainValue(source: string): string | number | boolean | null {
  const word = words.get(source);
  if (word !== undefined) return word;
  if (!/^[-+.\d]/.test(source)) return source;
  const text = source.replaceAll("_", "");
  const whole = wholeNumber(text);
  if (whole !== undefined && whole >= least && whole <= most) {
    const value = Number(whole);
    return Number.isSafeInteger(value) ? value : whole.toString();
  }
  const value = float.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : source;
}

function wholeNumber(text: string): bigint | undefined {
  // Far more digits than any whole number has; turning them into one takes quadratic time.
  const match = text.length > 128 ? null : integer.exec(text);
  if (!match) return undefined;
  const [, sign, hex, binary, octal, decimal] = match;
  const digits =
    hex !== undefined
      ? `0x${hex}`
      : binary !== undefined
        ? `0b${binary}`
        : octal !== undefined
          ? `0o${octal}`
          : (decimal as string);
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}
