import { Cron } from "croner";

/** Moments by the calendar. */
export interface CronExpression {
  /** The first moment after this one, in milliseconds since 1970; `undefined` where there is none. */
  next(after: number): number | undefined;
}

/** What the usual words stand for. */
const descriptors: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 0 1 1 *"],
  ["@annually", "0 0 0 1 1 *"],
  ["@monthly", "0 0 0 1 * *"],
  ["@weekly", "0 0 0 * * 0"],
  ["@daily", "0 0 0 * * *"],
  ["@midnight", "0 0 0 * * *"],
  ["@hourly", "0 0 * * * *"],
]);

/** How many fields there may be: six begin with the seconds. */
export type CronFields = "six" | "five or six";

/**
 * Six fields (`sec min hour dom month dow`) or a word like `@daily`, in that time zone; `undefined` is that of the
 * machine. Throws for any other text, in the words of Dapr's parser. What is taken, and what it means, is Dapr's; only
 * the search for the next date is the library's.
 */
export function parseCronExpression(
  text: string,
  timezone: string | undefined,
  fields: CronFields = "six",
): CronExpression {
  if (text === "") throw new Error("empty spec string");
  const expression = text.startsWith("@") ? descriptors.get(text) : text;
  if (expression === undefined) throw new Error(`unrecognized descriptor: ${text}`);
  const given = expression.split(/\s+/).filter((field) => field !== "");
  const least = fields === "six" ? 6 : 5;
  if (given.length > 6 || given.length < least)
    throw new Error(
      `expected ${least === 6 ? "exactly 6" : "5 to 6"} fields, found ${given.length}: [${given.join(" ")}]`,
    );
  const six = given.length === 5 ? ["0", ...given] : given;
  const pattern = six.map((field, i) => plainField(field, kinds[i] as FieldKind)).join(" ");
  const cron = new Cron(pattern, {
    paused: true,
    mode: "6-part",
    ...(timezone === undefined ? {} : { timezone }),
  });
  return { next: (after) => cron.nextRun(new Date(after))?.getTime() };
}

interface FieldKind {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}
const kinds: readonly FieldKind[] = [
  { min: 0, max: 59 },
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  {
    min: 1,
    max: 12,
    names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
  },
  { min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/** A field as a list of numbers, or `*`: only one that is not restricted leaves the day to the other field of days. */
function plainField(field: string, kind: FieldKind): string {
  const values = new Set<number>();
  let isStar = false;
  for (const part of field.split(",").filter((each) => each !== "")) {
    const range = readRange(part, kind);
    isStar ||= range.isStar;
    for (let i = range.start; i <= range.end; i += range.step) values.add(i);
  }
  if (isStar) return "*";
  // Dapr takes a field of commas alone, which then never comes.
  if (values.size === 0) throw new Error(`no value in the field ${field}`);
  return [...values].sort((a, b) => a - b).join(",");
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isStar: boolean;
}

/** `n`, `n-m`, `*` or `?`, each with `/step` or without. */
function readRange(part: string, kind: FieldKind): Range {
  const [bounds = "", stepText, ...moreSlashes] = part.split("/");
  const [low = "", high, ...moreHyphens] = bounds.split("-");
  const isAll = low === "*" || low === "?";
  if (!isAll && moreHyphens.length > 0) throw new Error(`too many hyphens: ${part}`);
  const start = isAll ? kind.min : numberOrName(low, kind);
  let end = isAll ? kind.max : high === undefined ? start : numberOrName(high, kind);
  if (moreSlashes.length > 0) throw new Error(`too many slashes: ${part}`);
  const step = stepText === undefined ? 1 : wholeNumber(stepText);
  // `5/15` is `5-59/15`.
  if (stepText !== undefined && high === undefined) end = kind.max;
  if (start < kind.min)
    throw new Error(`beginning of range (${start}) below minimum (${kind.min}): ${part}`);
  if (end > kind.max) throw new Error(`end of range (${end}) above maximum (${kind.max}): ${part}`);
  if (start > end)
    throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${part}`);
  if (step === 0) throw new Error(`step of range should be a positive number: ${part}`);
  return { start, end, step, isStar: isAll && step === 1 };
}

function numberOrName(text: string, { min, names }: FieldKind): number {
  const place = names?.indexOf(text.toLowerCase()) ?? -1;
  return place === -1 ? wholeNumber(text) : place + min;
}

function wholeNumber(text: string): number {
  if (!/^[-+]?\d+$/.test(text))
    throw new Error(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  const number = Number(text);
  if (number < 0) throw new Error(`negative number (${number}) not allowed: ${text}`);
  return number;
}
