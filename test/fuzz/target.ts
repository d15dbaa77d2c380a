import fc from "fast-check";

/** A parser, what to feed it, and what it may throw. */
export interface FuzzTarget<T = unknown> {
  readonly name: string;
  readonly inputs: fc.Arbitrary<T>;
  /** Throws for a broken promise; rejections count, too. */
  run(input: T): unknown;
  /** Failures that the parser is meant to have: its own, not a crash. Default: none. */
  allows?(reason: unknown): boolean;
}
export function target<T>(of: FuzzTarget<T>): FuzzTarget {
  return of as unknown as FuzzTarget;
}

/** Throws unless the promise that a target makes of itself holds. */
export function promise(holds: boolean, what: string): void {
  if (!holds) throw new BrokenPromise(what);
}
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

/** What has broken parsers before: of any kind, ours or not. */
const pieces = [
  "",
  " ",
  "\0",
  "\r\n",
  "\n",
  "\t",
  "%",
  "%00",
  "%zz",
  "\ud800",
  "\udfff",
  "\u2028",
  "\ufeff",
  "é",
  "😀",
  '"',
  "'",
  "\\",
  "\\u0000",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "true",
  "__proto__",
  "constructor",
  "toString",
  "1e999",
  "-1",
  "9007199254740993",
  "0x10",
  "NaN",
  "*",
  "&a",
  "*a",
  "!!js/function",
  "<<",
  "---",
  "...",
  "||",
  ";",
  "=",
  "$",
  "${",
  "a".repeat(3000),
  "[".repeat(2000),
  "(".repeat(500),
  '{"a":'.repeat(300),
] as const;

/** A text of a corpus after a few accidents: cut, doubled, moved, something put in. */
export function accidents(corpus: readonly string[]): fc.Arbitrary<string> {
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  const edit = fc.tuple(
    fc.constantFrom("cut", "double", "insert", "swap"),
    place,
    place,
    fc.constantFrom(...pieces),
  );
  return fc
    .tuple(fc.constantFrom(...corpus), fc.array(edit, { maxLength: 5 }))
    .map(([text, edits]) =>
      edits.reduce((of, [how, a, b, piece]) => changed(of, how, a, b, piece), text),
    );
}
function changed(text: string, how: string, a: number, b: number, piece: string): string {
  const from = Math.floor(Math.min(a, b) * text.length);
  const to = Math.min(text.length, from + Math.floor(Math.abs(a - b) * 40) + 1);
  const part = text.slice(from, to);
  if (how === "cut") return text.slice(0, from) + text.slice(to);
  if (how === "double") return text.slice(0, to) + part + text.slice(to);
  if (how === "insert") return text.slice(0, from) + piece + text.slice(from);
  return text.slice(to) + text.slice(0, to);
}

/** Texts of a corpus with accidents, made of dangerous pieces, and of anything. */
export function texts(...corpus: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: accidents(corpus) },
    {
      weight: 2,
      arbitrary: fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((all) => all.join("")),
    },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 100 }) },
  );
}
/** The same as bytes, and any bytes. */
export function bytes(...corpus: ReadonlyArray<string | Uint8Array>): fc.Arbitrary<Uint8Array> {
  const encoder = new TextEncoder();
  const whole = corpus.map((each) => (typeof each === "string" ? encoder.encode(each) : each));
  const flips = fc.array(
    fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })),
    {
      maxLength: 6,
    },
  );
  const flipped = fc
    .tuple(fc.constantFrom(...whole), flips, fc.double({ min: 0.1, max: 1, noNaN: true }))
    .map(([of, all, share]) => {
      const copy = of.slice(0, Math.ceil(of.length * share));
      for (const [at, byte] of all)
        if (copy.length > 0) copy[Math.floor(at * (copy.length - 1))] = byte;
      return copy;
    });
  return fc.oneof(flipped, fc.uint8Array({ maxLength: 200 }));
}
