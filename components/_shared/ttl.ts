import { ComponentError } from "#core/errors/component-error.ts";
import type { Metadata } from "#core/ports/component.ts";

/** How a store's refusal of a bad `ttlInSeconds` reads, and what it takes. */
export interface TtlStyle {
  /** The function of Go that refuses. */
  readonly by: "Atoi" | "ParseInt";
  /** What stands before that function's own text. */
  readonly before: string;
  /** Also refuses what is below -1 or above 32 bits. */
  readonly bounded: boolean;
}
const plain: TtlStyle = { by: "Atoi", before: "", bounded: false };

/** `ttlInSeconds` of a write: whole seconds, `undefined` where none is asked for. Throws `rejected` in the words of Dapr's store. */
export function ttlSeconds(metadata: Metadata, style: TtlStyle = plain): number | undefined {
  const text = metadata["ttlInSeconds"];
  if (text === undefined || text === "") return undefined;
  const refuse = (why: string): ComponentError =>
    new ComponentError("rejected", style.before + why);
  const parsing = `strconv.${style.by}: parsing ${JSON.stringify(text)}`;
  if (!/^[-+]?\d+$/.test(text)) throw refuse(`${parsing}: invalid syntax`);
  const seconds = Number(text);
  if (style.bounded && Number.isSafeInteger(seconds) && (seconds < -1 || seconds > max32))
    throw refuse("must be -1 or greater");
  if (!Number.isSafeInteger(seconds) || seconds > maxSeconds)
    throw refuse(`${parsing}: value out of range`);
  return seconds;
}
const max32 = 2 ** 31 - 1;
/** Past this a date has no ISO text. */
const maxSeconds = 8.64e12 - 1e11;

/** An expiry as callers see it: RFC 3339 in UTC, whole seconds. */
export function expiryText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -5)}Z`;
}
