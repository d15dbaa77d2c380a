/**
 * A JSON value as Dapr hands it on where it wants text: a string without its quotes.
 * Dapr: prints everything else in Go's own notation (`map[a:1]`, `<nil>`, `1e+06`), which nobody could read
 * again; here it stays JSON.
 */
export function plainText(json: string): string {
  if (!json.startsWith('"')) return json;
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : json;
}
