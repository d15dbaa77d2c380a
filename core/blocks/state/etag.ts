const what = {
  "etag-mismatch": "possible etag mismatch. error from state store",
  "etag-invalid": "invalid etag value",
};

/** The wording callers see; `detail` is what the store had to say, often nothing. */
export function etagText(kind: keyof typeof what, detail: string): string {
  return detail === "" ? what[kind] : `${what[kind]}: ${detail}`;
}
