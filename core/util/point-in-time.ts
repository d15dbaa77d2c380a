import { parseDuration } from "./duration.ts";
import { addIsoDuration, parseIsoDuration } from "./iso-duration.ts";

const layout =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Milliseconds since 1970 of an RFC 3339 timestamp, as strictly as Go reads one; `undefined` for any other text. */
export function parseTimestamp(text: string): number | undefined {
  const found = text.length > 64 ? undefined : layout.exec(text);
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [zoneHours, zoneMinutes] = [Number(found[9] ?? 0), Number(found[10] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59 || zoneHours > 23 || zoneMinutes > 59)
    return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A month of 13 or a 30 February has become another date.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  const fraction = Math.floor(Number(`0.${found[7] ?? 0}`) * 1000);
  const offset = (zoneHours * 60 + zoneMinutes) * 60_000 * (found[8] === "-" ? -1 : 1);
  return date.setUTCHours(hour, minute, second, fraction) - offset;
}

/**
 * A moment as Dapr's due times and times to live name it: an RFC 3339 timestamp, or a Go or ISO 8601 duration from that
 * moment on, which may be negative. `"repeats"`: a duration with `R<n>`, which callers refuse, each in words of its own.
 */
export function parsePointInTime(text: string, from: number): number | "repeats" | undefined {
  const timestamp = parseTimestamp(text);
  if (timestamp !== undefined) return timestamp;
  const duration = parseDuration(text);
  if (duration !== undefined) return Math.ceil(from + duration);
  const iso = parseIsoDuration(text);
  if (iso?.repeats) return "repeats";
  return iso && addIsoDuration(from, iso);
}
