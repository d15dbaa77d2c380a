const named: Readonly<Record<string, string>> = {
  "@yearly": "0 0 0 1 1 *",
  "@annually": "0 0 0 1 1 *",
  "@monthly": "0 0 0 1 * *",
  "@weekly": "0 0 0 * * 0",
  "@daily": "0 0 0 * * *",
  "@midnight": "0 0 0 * * *",
  "@hourly": "0 0 * * * *",
};

/** A cron binding's schedule as the timer trigger spells it: six fields, or a time span; `undefined` for what it cannot say. */
export function ncrontab(schedule: string): string | undefined {
  const text = schedule.trim();
  const every = /^@every\s+(\S+)$/.exec(text);
  if (every) return timeSpan(every[1] as string);
  if (text.startsWith("@")) return named[text.toLowerCase()];
  const fields = text.split(/\s+/).map((field) => (field === "?" ? "*" : field));
  if (fields.length === 5) fields.unshift("0");
  return fields.length === 6 ? fields.join(" ") : undefined;
}

/** `1h30m` as `01:30:00`. Less than a second, or a day and more, has no such form. */
function timeSpan(duration: string): string | undefined {
  const parts = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration);
  if (!parts) return undefined;
  const [hours, minutes, seconds] = [parts[1], parts[2], parts[3]].map((part) =>
    Number(part ?? 0),
  ) as [number, number, number];
  const total = hours * 3600 + minutes * 60 + seconds;
  if (total < 1 || total >= 86_400) return undefined;
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
}
