import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";

/** A component's settings, read by the names of its option table; defaults come from there. */
export interface Options {
  /** `undefined` where neither the document nor the table has a value. */
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean;
  /** In milliseconds. Text in Go's form, or a bare number of the unit given. */
  duration(name: string, bareUnitMs: number): number | undefined;
}

export function optionsOf(spec: ComponentSpec, table: OptionTable): Options {
  const text = (name: string): string | undefined => {
    const given = spec.metadata[name.toLowerCase()];
    return given === undefined || given === "" ? table[name]?.default : given;
  };
  const number = (name: string): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    const value = Number(given);
    if (given.trim() === "" || !Number.isFinite(value))
      throw new Error(`${name} must be a number, not ${JSON.stringify(given)}`);
    return value;
  };
  return {
    text,
    number,
    flag: (name) => truthy.has((text(name) ?? "").trim().toLowerCase()),
    duration: (name, bareUnitMs) => {
      const given = text(name);
      if (given === undefined) return undefined;
      if (/^[-+]?\d+$/.test(given)) return Number(given) * bareUnitMs;
      const value = goDurationMs(given);
      if (value === undefined)
        throw new Error(
          `${name} must be a duration like 500ms, 20s or 1h30m, not ${JSON.stringify(given)}`,
        );
      return value;
    },
  };
}
const truthy: ReadonlySet<string> = new Set(["y", "yes", "true", "t", "on", "1"]);

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
function goDurationMs(text: string): number | undefined {
  const signed = /^([-+]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(text.trim());
  if (!signed) return undefined;
  let sum = 0;
  for (const [, amount, unit] of (signed[2] as string).matchAll(
    /(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g,
  ))
    sum += Number(amount) * (units[unit as string] as number);
  return signed[1] === "-" ? -sum : sum;
}
