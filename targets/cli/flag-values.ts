import { parseDuration } from "#core/util/duration.ts";
import { UsageError } from "./flags.ts";

// Readers for values of the flags of cluster commands. Each throws a `UsageError` that tells what
// to write.

export function wholeNumber(flag: string, text: string, most: number): number {
  return readWhole(text, most) ?? wanted(flag, `a whole number up to ${most}`, text);
}
export function port(flag: string, text = ""): number {
  return readWhole(text, 65_535) ?? wanted(flag, "a port", text);
}
/** Values separated by commas. */
export function list(text = ""): readonly string[] {
  return text.split(",").flatMap((part) => part.trim() || []);
}
/** In milliseconds. */
export function duration(flag: string, text: string): number {
  const ms = parseDuration(text);
  return ms !== undefined && ms > 0 ? ms : wanted(flag, "a duration such as 24h", text);
}
export function oneOf<const T extends string>(
  flag: string,
  text: string,
  choices: readonly T[],
): T {
  return choices.find((choice) => choice === text) ?? wanted(flag, choices.join(" or "), text);
}

function readWhole(text: string, most: number): number | undefined {
  const value = Number(text);
  return /^\d{1,15}$/.test(text) && value <= most ? value : undefined;
}
function wanted(flag: string, what: string, text: string): never {
  throw new UsageError(`--${flag} must be ${what}, not "${text}"`);
}
