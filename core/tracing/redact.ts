import { cleanPath, decodePath } from "#core/util/path.ts";

/** Names whose values are nobody's but the caller's; spans go to places with fewer locks than an API. */
const secretName =
  /token|secret|passw|pwd|credential|authori[sz]ation|signature|cookie|session|api-?_?key|access-?_?key|private-?_?key|^(?:sig|key|code|auth|sas|jwt)$/i;
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** A path without the credentials of a URL that stands in it. */
export function withoutUserInfo(path: string): string {
  return path.includes("@") ? path.replace(/(:\/{1,2})[^/?#]*@/g, "$1") : path;
}

/** The path of a request as Dapr reads it: decoded, cleaned. */
export function shownPath(path: string): string {
  return withoutUserInfo(cleanPath(decodePath(path)));
}

/** A request-target as a span may show it: the values of secret names are hidden, the rest is as it came. */
export function redactedTarget(target: string): string {
  const mark = target.indexOf("?");
  if (mark === -1) return withoutUserInfo(target);
  const query = target
    .slice(mark + 1)
    .split("&")
    .map((pair) => {
      const equals = pair.indexOf("=");
      if (equals === -1) return pair;
      const name = pair.slice(0, equals);
      return isSecretName(plain(name)) ? `${name}=REDACTED` : withoutUserInfo(pair);
    })
    .join("&");
  return `${withoutUserInfo(target.slice(0, mark))}?${query}`;
}
function plain(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
