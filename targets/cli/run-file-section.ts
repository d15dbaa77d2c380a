import { UsageError } from "./flags.ts";
import { didYouMean } from "#core/util/nearest.ts";
import type { LogDestination } from "./run-plan.ts";

export type Section = Readonly<Record<string, unknown>>;

/** File and position, which each message starts with. */
export interface Place {
  readonly file: string;
  /** `common`, `apps[0]`, or empty for the top level. */
  readonly path: string;
}

export function at({ file, path }: Place, key: string): string {
  return `${file}: ${path === "" ? key : `${path}.${key}`}`;
}

export function fault(place: Place, key: string, what: string): never {
  throw new UsageError(`${at(place, key)} ${what}`);
}

export function sectionOf(value: unknown, place: Place, key: string): Section {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) fault(place, key, "must be a mapping");
  return value as Section;
}

/** Warnings about keys that nothing reads. */
export function unknownKeys(
  section: Section,
  place: Place,
  known: readonly string[],
): readonly string[] {
  return Object.keys(section)
    .filter((key) => !known.includes(key))
    .map((key) => `Ignoring unknown key ${at(place, key)}${didYouMean(key, known)}`);
}

/** A scalar as text; `undefined` if the key is absent or empty, as in Dapr. */
export function textOf(section: Section, place: Place, key: string): string | undefined {
  const value = section[key];
  if (value === undefined || value === null || value === "") return undefined;
  return scalarText(value) ?? fault(place, key, "must be a single value");
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" || typeof value === "bigint"
    ? String(value)
    : undefined;
}

export function textsOf(section: Section, place: Place, key: string): readonly string[] {
  const value = section[key];
  if (value === undefined || value === null) return [];
  const wrong = (): never =>
    fault(place, key, 'must be a list of strings, such as ["node", "app.js"]');
  if (!Array.isArray(value)) return wrong();
  return (value as readonly unknown[]).map((item) => scalarText(item) ?? wrong());
}

export function envOf(section: Section, place: Place): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(sectionOf(section["env"], place, "env"))) {
    env[name] =
      value === null
        ? ""
        : (scalarText(value) ?? fault(place, `env.${name}`, "must be a single value"));
  }
  return env;
}

const destinations: readonly LogDestination[] = ["console", "file", "fileAndConsole"];

export function destinationOf(
  section: Section,
  place: Place,
  key: string,
): LogDestination | undefined {
  const text = textOf(section, place, key);
  if (text === undefined) return undefined;
  return (
    destinations.find((destination) => destination === text) ??
    fault(place, key, `must be one of ${destinations.join(", ")}, not ${JSON.stringify(text)}`)
  );
}
