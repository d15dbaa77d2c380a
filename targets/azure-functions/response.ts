import type { Cookie, HttpResponseInit } from "@azure/functions";

/** The library joins repeated headers and keeps the last `Set-Cookie` only, so cookies go apart. */
export function toResponseInit(response: Response): HttpResponseInit {
  const cookies = response.headers.getSetCookie();
  const headers = new Headers(response.headers);
  headers.delete("set-cookie");
  return {
    status: response.status,
    headers: headers as unknown as NonNullable<HttpResponseInit["headers"]>,
    ...(response.body === null
      ? {}
      : { body: response.body as NonNullable<HttpResponseInit["body"]> }),
    ...(cookies.length === 0 ? {} : { cookies: cookies.map(toCookie) }),
  };
}

/** A `Set-Cookie` text in its parts. */
export function toCookie(text: string): Cookie {
  const [pair = "", ...attributes] = text.split(";");
  const [name, value] = split(pair);
  const cookie: Cookie = { name, value: decoded(value) };
  for (const attribute of attributes) {
    const [key, argument] = split(attribute);
    switch (key.toLowerCase()) {
      case "domain":
        cookie.domain = argument;
        break;
      case "path":
        cookie.path = argument;
        break;
      case "expires":
        if (!Number.isNaN(Date.parse(argument))) cookie.expires = new Date(argument);
        break;
      case "max-age":
        if (/^-?\d+$/.test(argument)) cookie.maxAge = Number(argument);
        break;
      case "secure":
        cookie.secure = true;
        break;
      case "httponly":
        cookie.httpOnly = true;
        break;
      case "samesite": {
        const mode = (["Strict", "Lax", "None"] as const).find(
          (each) => each.toLowerCase() === argument.toLowerCase(),
        );
        if (mode) cookie.sameSite = mode;
      }
    }
  }
  return cookie;
}

function split(pair: string): [name: string, value: string] {
  const mark = pair.indexOf("=");
  return mark === -1
    ? [pair.trim(), ""]
    : [pair.slice(0, mark).trim(), pair.slice(mark + 1).trim()];
}

/** The host percent-encodes a value again when it writes the header. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
