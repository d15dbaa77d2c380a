import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";
import { parseDuration } from "#core/util/duration.ts";

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
      const value = parseDuration(given.trim());
      if (value === undefined)
        throw new Error(
          `${name} must be a duration like 500ms, 20s or 1h30m, not ${JSON.stringify(given)}`,
        );
      return value;
    },
  };
}
const truthy: ReadonlySet<string> = new Set(["y", "yes", "true", "t", "on", "1"]);
