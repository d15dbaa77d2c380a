/** What counts as personal data, and what stands in its place: Dapr's names. Quantifiers are bounded, so that no text takes long. */
const entities: ReadonlyArray<readonly [placeholder: string, pattern: RegExp]> = [
  [
    "<STREET_ADDRESS>",
    /\b\d{1,5} [\w ]{1,40}?\b(?:street|st|avenue|ave|road|rd|highway|hwy|square|sq|trail|trl|drive|dr|court|ct|parkway|pkwy|park|circle|cir|boulevard|blvd)\b\.?/gi,
  ],
  ["<CREDIT_CARD>", /(?<!\d)(?:\d{4}[- ]?){3}\d{3,4}(?!\d)/g],
  ["<US_SSN>", /(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)/g],
  [
    "<PHONE_NUMBER>",
    /(?<![\d.])(?:\+?\d{1,3}[-. ]?)?(?:\(\d{2,4}\) ?|\d{2,4}[-. ]?)\d{3}[-. ]?\d{3,4}(?: ?(?:#|x|ext\.?|extension) ?\d{1,6})?(?!\d)/gi,
  ],
  [
    "<EMAIL_ADDRESS>",
    /[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z\d][a-z\d-]{0,62}(?:\.[a-z\d-]{1,63}){1,8}/gi,
  ],
  ["<IP>", /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])/g],
  [
    "<IP>",
    /(?<![\w:])(?:(?:[a-f\d]{1,4}:){7}[a-f\d]{1,4}|(?:[a-f\d]{1,4}:){1,6}(?::[a-f\d]{1,4}){1,6}|::(?:[a-f\d]{1,4}:){0,6}[a-f\d]{1,4})(?![\w:])/gi,
  ],
  ["<PO_BOX>", /\bP\.? ?O\.? ?Box \d{1,10}/gi],
  ["<ZIP_CODE>", /\b\d{5}(?:[- ]\d{4})?\b/g],
  ["<MAC_ADDRESS>", /(?<![\w:-])(?:[a-f\d]{2}[:-]){5}[a-f\d]{2}(?![\w:-])/gi],
  ["<IBAN>", /\b[A-Z]{2}\d{2}[A-Z\d]{4}\d{7}[A-Z\d]{0,16}\b/g],
  ["<ISBN>", /\b(?:\d-?){12}[\dxX]\b|\b(?:\d-?){9}[\dxX]\b/g],
];
/** Numbers inside a link are none of these. */
const links = /\bhttps?:\/\/[^\s<>"]{1,2000}/gi;

interface Found {
  readonly start: number;
  readonly end: number;
  readonly placeholder: string;
}

/** The text with personal data replaced; where two kinds overlap, the one that begins first, then the longer. */
export function scrub(text: string): string {
  const ignored = [...text.matchAll(links)].map((match) => spanOf(match, ""));
  const found = entities
    .flatMap(([placeholder, pattern]) =>
      [...text.matchAll(pattern)].map((match) => spanOf(match, placeholder)),
    )
    .filter((each) => !ignored.some((link) => link.start <= each.start && each.end <= link.end))
    .sort((a, b) => a.start - b.start || b.end - a.end);
  let out = "";
  let at = 0;
  for (const { start, end, placeholder } of found) {
    if (start < at) continue;
    out += text.slice(at, start) + placeholder;
    at = end;
  }
  return out + text.slice(at);
}

function spanOf(match: RegExpMatchArray, placeholder: string): Found {
  const start = match.index ?? 0;
  return { start, end: start + match[0].length, placeholder };
}
