const percent = 37;
const underscore = 95;
const backslash = 92;
const any = -1;
const one = -2;

/** Tells whether a whole key fits a SQL LIKE pattern (`%`, `_`, escape `\`); case counts. Its time is bounded by pattern times key, whatever the pattern. */
export function likeMatcher(pattern: string): (key: string) => boolean {
  const parts: number[] = [];
  const codes = [...pattern].map((char) => char.codePointAt(0) as number);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    if (code === percent) parts.push(any);
    else if (code === underscore) parts.push(one);
    else if (code === backslash && i + 1 < codes.length) parts.push(codes[++i] as number);
    else parts.push(code);
  }
  return (key) => fits(parts, [...key]);
}

function fits(parts: readonly number[], chars: readonly string[]): boolean {
  let part = 0;
  let char = 0;
  // Where to go on when what follows the last `%` does not fit: that `%` takes one char more.
  let lastAny = -1;
  let taken = 0;
  while (char < chars.length) {
    const wanted = parts[part];
    if (wanted === any) {
      lastAny = part++;
      taken = char;
    } else if (wanted === one || wanted === chars[char]?.codePointAt(0)) {
      part++;
      char++;
    } else if (lastAny !== -1) {
      part = lastAny + 1;
      char = ++taken;
    } else return false;
  }
  while (parts[part] === any) part++;
  return part === parts.length;
}

/** The text before the first wildcard: every key that fits starts with it. */
export function likePrefix(pattern: string): string {
  let prefix = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === "%" || char === "_") break;
    prefix += char === "\\" && i + 1 < pattern.length ? (pattern[++i] as string) : char;
  }
  return prefix;
}
