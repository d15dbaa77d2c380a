/** What a connection string says, as far as it is not only passed on to the library. */
export interface PostgresTarget {
  /** For the library. */
  readonly url: string;
  /** For messages: without the user and the password. */
  readonly where: string;
  readonly connectTimeoutMs: number | undefined;
}

/** A URL, or the keywords and values of libpq, which Dapr's documentation uses. Never names the text in errors: it has a password. */
export function readConnectionString(text: string): PostgresTarget {
  const url = /^postgres(?:ql)?:\/\//.test(text) ? urlFrom(text) : urlOf(keywordsIn(text));
  const host = url.searchParams.get("host") ?? decodeURIComponent(url.hostname);
  if (host.includes(","))
    throw new Error("connectionString names several hosts, which is not supported; give one");
  const port = url.searchParams.get("port") ?? url.port;
  const seconds = url.searchParams.get("connect_timeout");
  // The meaning that sslmode has for libpq, and so for Dapr: require does not verify the certificate.
  if (url.searchParams.has("sslmode") && !url.searchParams.has("uselibpqcompat"))
    url.searchParams.set("uselibpqcompat", "true");
  return {
    url: url.href,
    where: `PostgreSQL at ${host || "localhost"}:${port || 5432}`,
    connectTimeoutMs: seconds !== null && Number(seconds) > 0 ? Number(seconds) * 1000 : undefined,
  };
}

function urlFrom(text: string): URL {
  // A URL without a host, whose host is a parameter or the default, is no URL for JavaScript if it has a user.
  const url = URL.parse(text) ?? URL.parse(text.replace("@/", "@localhost/"));
  if (!url)
    throw new Error(
      "connectionString is not a valid URL; write special characters of the password as %XX, as in postgresql://user:p%40ss@host:5432/database",
    );
  return url;
}

/** Of libpq; `user` and `database` are also what Dapr calls them. */
const places: Readonly<Record<string, string>> = { dbname: "database", hostaddr: "host" };

function urlOf(keywords: ReadonlyMap<string, string>): URL {
  const url = new URL("postgresql://");
  for (const [name, value] of keywords)
    if (name === "database") url.pathname = `/${encodeURIComponent(value)}`;
    else url.searchParams.set(name, value);
  return url;
}

function keywordsIn(text: string): ReadonlyMap<string, string> {
  const keywords = new Map<string, string>();
  const pair = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?:\s+|$)/gy;
  let end = 0;
  for (const [all, name, quoted, bare] of text.matchAll(pair)) {
    end += all.length;
    const value = (quoted ?? bare ?? "").replaceAll(/\\(.)/g, "$1");
    keywords.set(places[name as string] ?? (name as string), value);
  }
  if (end < text.trimEnd().length || keywords.size === 0)
    throw new Error(
      "connectionString is not valid; give a URL such as postgresql://user:password@host:5432/database, or host=… port=… user=… password=… database=…",
    );
  return keywords;
}
