/** Several expositions as one: the series of a metric stand together, as Prometheus wants them. */
export function mergeExpositions(texts: readonly string[]): string {
  const families = new Map<string, { readonly head: string; body: string }>();
  for (const text of texts)
    for (const piece of text.split(/^(?=# HELP )/m)) {
      if (piece === "") continue;
      const name = piece.slice("# HELP ".length, piece.indexOf(" ", "# HELP ".length));
      const [help, type, ...lines] = piece.split("\n");
      const body = lines.join("\n");
      const family = families.get(name);
      if (family) family.body += body;
      else families.set(name, { head: `${help}\n${type}\n`, body });
    }
  return [...families]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { head, body }]) => head + body)
    .join("");
}
