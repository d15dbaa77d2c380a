/**
 * JSON as the wire needs it: numbers keep their digits, and a refusal reads as Go's decoder words it,
 * since SDK users see that text.
 */

/** Go's words for nesting that nobody means. */
export const tooDeep = "exceeded max depth";

/** A number that does not survive a 64-bit float, or a value taken over unread. */
interface RawJson {
  readonly rawJSON: string;
}
interface JsonWithSource {
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): RawJson;
}
const withSource = JSON as unknown as JsonWithSource;
const longNumber = /\d[\d.]{15}/;

/** Parses; a number of more than 15 digits is kept as its text (`JSON.rawJSON`), so that writing it again gives the same digits. */
export function parseJson(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text);
  return withSource.parse(text, (_key, value, context) => {
    if (typeof value !== "number" || context.source === undefined) return value;
    return String(value) === context.source ? value : withSource.rawJSON(context.source);
  });
}

/** Why the text is not valid JSON, in the words of Go's `encoding/json`. */
export function jsonErrorText(text: string): string {
  if (text.trim() === "") return "EOF";
  return new Scanner(text).run();
}

/** Where a text stops being valid JSON; its length where it only ends too early. */
export function jsonFaultAt(text: string): number {
  const scanner = new Scanner(text);
  scanner.run();
  return Math.min(scanner.at, text.length);
}

export type JsonShape = "array" | "bool" | "number" | "object" | "string";
/** Go's name for the JSON type of a value, for "cannot unmarshal" texts. */
export function jsonTypeOf(value: unknown): JsonShape | "null" {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "string";
  return typeof value === "number" || isRawJson(value) ? "number" : "object";
}
function isRawJson(value: unknown): boolean {
  return Object.getPrototypeOf(value) === null && Object.hasOwn(value as object, "rawJSON");
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Walks to the first fault only; what it accepts has been parsed before. */
class Scanner {
  readonly #text: string;
  #at = 0;
  constructor(text: string) {
    this.#text = text;
  }
  get at(): number {
    return this.#at;
  }
  run(): string {
    try {
      this.#value("looking for beginning of value");
      this.#space();
      if (this.#at < this.#text.length) this.#fail("after top-level value");
    } catch (reason) {
      if (typeof reason === "string") return reason;
      // Go's decoder counts levels; here the stack does.
      if (reason instanceof RangeError) return tooDeep;
      throw reason;
    }
    return "invalid JSON";
  }
  #fail(context: string): never {
    if (this.#at >= this.#text.length) throw "unexpected EOF";
    throw `invalid character ${quoted(this.#text, this.#at)} ${context}`;
  }
  #space(): void {
    while (/[ \t\r\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }
  #value(context: string): void {
    this.#space();
    const char = this.#text[this.#at] ?? "";
    if (char === "{") this.#object();
    else if (char === "[") this.#array();
    else if (char === '"') this.#string();
    else if (char === "t") this.#literal("true");
    else if (char === "f") this.#literal("false");
    else if (char === "n") this.#literal("null");
    else if (/[-0-9]/.test(char)) this.#number();
    else this.#fail(context);
  }
  #object(): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
      this.#string();
      this.#space();
      if (this.#text[this.#at] !== ":") this.#fail("after object key");
      this.#at++;
      this.#value("looking for beginning of value");
      this.#space();
      const char = this.#text[this.#at];
      if (char !== "," && char !== "}") this.#fail("after object key:value pair");
      this.#at++;
      if (char === "}") return;
    }
  }
  #array(): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return;
    }
    for (;;) {
      this.#value("looking for beginning of value");
      this.#space();
      const char = this.#text[this.#at];
      if (char !== "," && char !== "]") this.#fail("after array element");
      this.#at++;
      if (char === "]") return;
    }
  }
  #string(): void {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] as string;
      if (char === '"') {
        this.#at++;
        return;
      }
      if (char < " ") this.#fail("in string literal");
      if (char !== "\\") continue;
      this.#at++;
      const escape = this.#text[this.#at] ?? "";
      if (escape === "u") {
        for (let i = 0; i < 4; i++) {
          this.#at++;
          if (!/[0-9A-Fa-f]/.test(this.#text[this.#at] ?? ""))
            this.#fail("in \\u hexadecimal character escape");
        }
      } else if (!'"\\/bfnrt'.includes(escape) || escape === "")
        this.#fail("in string escape code");
    }
    this.#fail("");
  }
  #literal(word: string): void {
    for (let i = 0; i < word.length; i++, this.#at++)
      if (this.#text[this.#at] !== word[i])
        this.#fail(`in literal ${word} (expecting '${word[i]}')`);
  }
  #number(): void {
    const match = /^-?(?:0|[1-9]\d*)?(?:\.\d*)?(?:[eE][-+]?\d*)?/.exec(this.#text.slice(this.#at));
    const number = match?.[0] ?? "";
    this.#at += number.length;
    if (number === "-" || number === "") this.#fail("in numeric literal");
    if (number.endsWith(".")) this.#fail("after decimal point in numeric literal");
    if (/[eE][-+]?$/.test(number)) this.#fail("in exponent of numeric literal");
  }
}

function quoted(text: string, at: number): string {
  const char = String.fromCodePoint(text.codePointAt(at) as number);
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  const escapes: Record<string, string> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\" };
  return `'${escapes[char] ?? char}'`;
}
