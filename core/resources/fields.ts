import { isRecord } from "#core/util/json.ts";
import { didYouMean } from "#core/util/nearest.ts";

/** A fault in a document, by the path of the field it stands in. */
export interface Fault {
  readonly field: string;
  readonly message: string;
  /** `error`: the document cannot be used. */
  readonly severity: "error" | "warning";
}

/** Each is compared with all that exist. */
const maxUnknown = 10;

/**
 * One mapping of a document, read field by field. Names count in any case, as for Go's decoder. Each reader
 * notes what does not fit and goes on with a default, so that one pass finds all faults; `done` notes the names
 * that nobody asked for.
 */
export class Fields {
  readonly path: string;
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #faults: Fault[];
  /** Names as written, by their lower case. */
  readonly #written = new Map<string, string>();
  /** Names that another spelling stands before. */
  readonly #shadowed: string[] = [];
  readonly #asked = new Set<string>();

  constructor(value: unknown, path: string, faults: Fault[]) {
    this.path = path;
    this.#faults = faults;
    this.#value = isRecord(value) ? value : {};
    if (value !== undefined && value !== null && !isRecord(value))
      faults.push({
        field: path,
        message: `is ${kindOf(value)}; make it a mapping`,
        severity: "error",
      });
    for (const name of Object.keys(this.#value)) this.#note(name);
  }
  /** Dapr: of two spellings of a name the later one in alphabetical order counts. */
  #note(name: string): void {
    const lower = name.toLowerCase();
    const before = this.#written.get(lower);
    const wins = before === undefined || before < name;
    if (before !== undefined) this.#shadowed.push(wins ? before : name);
    if (wins) this.#written.set(lower, name);
  }
  has(name: string): boolean {
    return this.#raw(name) !== undefined;
  }
  /** The value as it stands, for free-form sections. */
  raw(name: string): unknown {
    return this.#raw(name);
  }
  /** Text; numbers and booleans are taken as they are written. */
  text(name: string): string | undefined {
    const value = this.#raw(name);
    if (value === undefined) return undefined;
    if (typeof value === "string") return value;
    if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
      return String(value);
    return this.#wrong(name, value, "text");
  }
  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined && value !== "") return value;
    this.error(name, "is missing");
    return "";
  }
  boolean(name: string): boolean | undefined {
    const value = this.#raw(name);
    if (value === undefined || typeof value === "boolean") return value;
    const word = typeof value === "string" ? value.toLowerCase() : "";
    // Dapr reads YAML 1.1, where these words are booleans.
    if (word === "true" || word === "yes" || word === "on") return true;
    if (word === "false" || word === "no" || word === "off") return false;
    return this.#wrong(name, value, "true or false");
  }
  number(name: string): number | undefined {
    const value = this.#raw(name);
    if (value === undefined || typeof value === "number") return value;
    if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)))
      return Number(value);
    return this.#wrong(name, value, "a number");
  }
  /** One of a few words. */
  word<W extends string>(name: string, words: readonly W[]): W | undefined {
    const value = this.text(name);
    if (value === undefined || value === "") return undefined;
    const found = words.find((word) => word.toLowerCase() === value.toLowerCase());
    if (found === undefined) this.error(name, `is "${value}"; make it ${words.join(" or ")}`);
    return found;
  }
  fields(name: string): Fields {
    return new Fields(this.#raw(name), this.#at(name), this.#faults);
  }
  /** Each entry of a list of mappings. */
  list(name: string): readonly Fields[] {
    return this.#list(name).map(
      (entry, i) => new Fields(entry, `${this.#at(name)}[${i}]`, this.#faults),
    );
  }
  /** Each member of a mapping of mappings. */
  members(name: string): ReadonlyArray<readonly [name: string, fields: Fields]> {
    const value = this.#raw(name);
    if (value === undefined) return [];
    if (!isRecord(value)) {
      this.#wrong(name, value, "a mapping");
      return [];
    }
    return Object.entries(value).map(([key, of]) => [
      key,
      new Fields(of, `${this.#at(name)}.${key}`, this.#faults),
    ]);
  }
  texts(name: string): readonly string[] {
    return this.#list(name).flatMap((entry, i) => {
      if (typeof entry === "string" || typeof entry === "number" || typeof entry === "boolean")
        return [String(entry)];
      this.error(`${name}[${i}]`, `is ${kindOf(entry)}; make it text`);
      return [];
    });
  }
  /** A mapping from text to text. */
  pairs(name: string): Readonly<Record<string, string>> {
    const value = this.#raw(name);
    if (value === undefined) return {};
    if (!isRecord(value)) {
      this.#wrong(name, value, "a mapping");
      return {};
    }
    return Object.fromEntries(Object.entries(value).map(([key, of]) => [key, scalarText(of)]));
  }
  error(name: string, message: string): void {
    this.#faults.push({ field: this.#at(name), message, severity: "error" });
  }
  warn(name: string, message: string): void {
    this.#faults.push({ field: this.#at(name), message, severity: "warning" });
  }
  /** Warns of each name that no reader asked for, with the nearest one that exists. */
  done(): void {
    const asked = new Set([...this.#asked].map((name) => name.toLowerCase()));
    const unknown = [...this.#written].filter(([lower]) => !asked.has(lower));
    for (const [, name] of unknown.slice(0, maxUnknown))
      this.warn(name, `is unknown and has no effect${didYouMean(name, this.#asked)}`);
    if (unknown.length > maxUnknown)
      this.#faults.push({
        field: this.path,
        message: `has ${unknown.length - maxUnknown} more names that are unknown`,
        severity: "warning",
      });
    for (const name of this.#shadowed)
      this.warn(name, `has no effect: "${this.#written.get(name.toLowerCase())}" counts`);
  }
  #raw(name: string): unknown {
    this.#asked.add(name);
    const written = this.#written.get(name.toLowerCase());
    return written === undefined ? undefined : (this.#value[written] ?? undefined);
  }
  #list(name: string): readonly unknown[] {
    const value = this.#raw(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    this.#wrong(name, value, "a list");
    return [];
  }
  #wrong(name: string, value: unknown, wanted: string): undefined {
    this.error(name, `is ${kindOf(value)}; make it ${wanted}`);
    return undefined;
  }
  #at(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

/** A value of any kind as the text that a component gets. */
export function scalarText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isRecord(value)) return "a mapping";
  return typeof value === "string" ? `"${value.slice(0, 100)}"` : String(value);
}
