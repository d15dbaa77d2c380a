/** An ISO 8601 duration (`P1DT2H`), `R<n>/` before it or `R<n>` alone. Years, months and days have no fixed length. */
export interface IsoDuration {
  readonly years: number;
  readonly months: number;
  readonly days: number;
  readonly ms: number;
  /** As given by `R<n>`; `undefined` where nothing is. */
  readonly repeats: number | undefined;
}

const whole =
  /^(?:R(\d{1,9})(?:\/(?=P)|$))?(?:P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)?$/;

/** `undefined` for text that is not one. Whole numbers only, as in Dapr. */
export function parseIsoDuration(text: string): IsoDuration | undefined {
  const found = text.length > 64 || text === "" ? undefined : whole.exec(text);
  if (!found) return undefined;
  const [, repeats, years, months, weeks, days, hours, minutes, seconds] = found;
  const number = (digits: string | undefined): number => Number(digits ?? 0);
  return {
    years: number(years),
    months: number(months),
    days: number(weeks) * 7 + number(days),
    ms: ((number(hours) * 60 + number(minutes)) * 60 + number(seconds)) * 1000,
    repeats: repeats === undefined ? undefined : number(repeats),
  };
}

/** So much after that moment, by the calendar of UTC; `undefined` where no date is. */
export function addIsoDuration(from: number, duration: IsoDuration): number | undefined {
  const date = new Date(from);
  date.setUTCFullYear(
    date.getUTCFullYear() + duration.years,
    date.getUTCMonth() + duration.months,
    date.getUTCDate() + duration.days,
  );
  const ms = new Date(date.getTime() + duration.ms).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}
