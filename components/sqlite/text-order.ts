/** Negative, zero or positive, as SQLite orders texts (collation BINARY): by their bytes in UTF-8, which JavaScript does not. */
export function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The least text that is greater than that one. */
export function textAfter(text: string): string {
  return `${text}\0`;
}

/** The least text that is greater than every text with that prefix; `undefined` where there is none. */
export function afterPrefix(prefix: string): string | undefined {
  const codes = [...prefix].map((char) => char.codePointAt(0) as number);
  while (codes.length > 0) {
    const last = codes.pop() as number;
    if (last === 0x10ffff) continue;
    // Surrogates are not characters: U+D7FF is followed by U+E000.
    return String.fromCodePoint(...codes, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}
