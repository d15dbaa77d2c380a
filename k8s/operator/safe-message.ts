/** Longest message of a status or an Event, in characters (an Event takes 1024). */
export const longestMessage = 1024;
/** Shorter values stand in too many words to be taken out, and are not secrets worth the name. */
const shortestSecret = 4;

/** What looks like a credential, whoever wrote it into a reason. Quantifiers are bounded, so that no text takes long. */
const credentials: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  // user:password@ in an address, or password@ alone.
  [/(:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,512}@/g, "$1…@"],
  // password=…, AccountKey=…, "token": "…", sig=…
  [
    /\b([\w.-]{0,40}(?:passw(?:or)?d|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|private[-_]?key|credentials?|signature|sig)["']?\s{0,3}[=:]\s{0,3})(?!\u2026)("[^"]{0,512}"|'[^']{0,512}'|[^\s,;&"'}]{1,512})/gi,
    "$1…",
  ],
  [/\b((?:bearer|basic)\s{1,3})[\w.~+/=-]{8,4096}/gi, "$1…"],
  // JWTs, wherever they stand.
  [/\beyJ[\w-]{8,4096}\.[\w-]{4,4096}(?:\.[\w-]{0,4096})?/g, "…"],
  [/-----BEGIN [A-Z ]{1,40}-----[\s\S]{0,16384}?(?:-----END [A-Z ]{1,40}-----|$)/g, "…"],
];

/**
 * A failure's text as it may stand where everybody with a look at the namespace sees it: the given values and what
 * looks like credentials is taken out, it is one line, and of at most 1024 characters.
 */
export function safeMessage(text: string, secrets: readonly string[] = []): string {
  // Cut first: nothing below may take long, whatever a far side answered.
  let safe = text.length > maxRead ? text.slice(0, maxRead) : text;
  // Longest first, so that no part of one is left by another.
  for (const secret of secrets.toSorted((a, b) => b.length - a.length))
    for (const form of formsOf(secret)) safe = safe.replaceAll(form, "…");
  for (const [pattern, instead] of credentials) safe = safe.replace(pattern, instead);
  safe = safe
    // eslint-disable-next-line no-control-regex -- exactly these must go
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ")
    .trim();
  return bounded(safe);
}
const maxRead = 64 * 1024;

/** As it is, as JSON and quoted text show it, as a URL does, and as base64. */
function formsOf(secret: string): readonly string[] {
  if (secret.trim().length < shortestSecret) return [];
  const forms = [
    secret,
    secret.trim(),
    JSON.stringify(secret).slice(1, -1),
    // A lone half of a character has no encoding.
    encodeURIComponent(secret.toWellFormed()),
    Buffer.from(secret).toString("base64"),
  ];
  return [...new Set(forms)];
}

function bounded(text: string): string {
  if (text.length <= longestMessage) return text;
  // Not in the middle of a surrogate pair.
  return `${text
    .slice(0, longestMessage - 1)
    .toWellFormed()
    .replace(/\ufffd$/, "")}…`;
}
