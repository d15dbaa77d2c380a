import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Host } from "#core/ports/manifest.ts";
import { boundedText } from "#core/util/bounded-read.ts";
import { isRecord } from "#core/util/json.ts";
import { within } from "#core/util/time-limit.ts";

/** How client id and secret go to the token endpoint; `auto` finds out which way it takes. */
export type AuthStyle = "auto" | "body" | "basic";
export interface TokenEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly authStyle: AuthStyle;
}
export interface AccessToken {
  /** Value of an authorization header: type and token. */
  readonly header: string;
  /** Seconds that the token holds; absent when the endpoint does not say. */
  readonly expiresInSeconds?: number;
}
/** Rejects with a reason that names no secret. */
export type FetchToken = (
  grant: Readonly<Record<string, string>> | URLSearchParams,
  options: CallOptions,
) => Promise<AccessToken>;

const timeoutMs = 30_000;
const mostBytes = 1024 * 1024;

/** A client of one OAuth 2 token endpoint (RFC 6749). */
export function tokenClient(
  endpoint: TokenEndpoint,
  { fetch, clock }: Pick<Host, "fetch" | "clock">,
): FetchToken {
  let style = endpoint.authStyle;
  const ask = (
    grant: ConstructorParameters<typeof URLSearchParams>[0],
    by: AuthStyle,
    options: CallOptions,
  ): Promise<AccessToken> =>
    within(clock, timeoutMs, options, async ({ signal }) => {
      const init = requestFor(endpoint, new URLSearchParams(grant), by);
      return readToken(await fetch(endpoint.url, { ...init, method: "POST", signal }));
    });
  return async (grant, options) => {
    if (style !== "auto") return ask(grant, style, options);
    try {
      const token = await ask(grant, "basic", options);
      style = "basic";
      return token;
    } catch (reason) {
      if (options.signal.aborted || !(reason instanceof RefusedError)) throw reason;
    }
    const token = await ask(grant, "body", options);
    style = "body";
    return token;
  };
}

function requestFor(
  { clientId, clientSecret }: TokenEndpoint,
  body: URLSearchParams,
  style: AuthStyle,
): { readonly headers: Record<string, string>; readonly body: string } {
  const headers: Record<string, string> = {
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  };
  if (style === "basic") {
    // RFC 6749 §2.3.1: both parts are form-encoded first.
    headers["authorization"] =
      `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`)}`;
  } else {
    body.set("client_id", clientId);
    body.set("client_secret", clientSecret);
  }
  return { headers, body: body.toString() };
}
function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** The endpoint's own no, which another way to authenticate may turn into a yes. */
class RefusedError extends Error {
  override readonly name = "RefusedError";
}

async function readToken(response: Response): Promise<AccessToken> {
  const text = await boundedText(response as never, mostBytes);
  const fields = fieldsOf(text, response.headers.get("content-type") ?? "");
  if (!response.ok)
    throw new RefusedError(
      `the token endpoint answered ${response.status}${errorOf(fields["error"])}`,
    );
  const { access_token: token, token_type: type, expires_in: expires } = fields;
  if (typeof token !== "string" || token === "")
    throw new RefusedError(
      `the answer of the token endpoint has no access_token${errorOf(fields["error"])}`,
    );
  const seconds = expires === undefined || expires === null ? Number.NaN : Number(expires);
  const header = `${typeName(typeof type === "string" ? type : "")} ${token}`;
  if (/[^\x20-\x7e]/.test(header)) throw new Error("the token does not fit into a header");
  return seconds > 0 ? { header, expiresInSeconds: seconds } : { header };
}
function errorOf(error: unknown): string {
  return typeof error === "string" && /^[\w .-]{1,100}$/.test(error) ? `: ${error}` : "";
}

function fieldsOf(text: string, contentType: string): Readonly<Record<string, unknown>> {
  const type = contentType.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/x-www-form-urlencoded" || type === "text/plain")
    return Object.fromEntries(new URLSearchParams(text));
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch (reason) {
    throw new RefusedError(
      `the answer of the token endpoint is not valid JSON: ${messageOf(reason)}`,
    );
  }
}

const typeNames: Readonly<Record<string, string>> = {
  "": "Bearer",
  bearer: "Bearer",
  mac: "MAC",
  basic: "Basic",
};
function typeName(type: string): string {
  return typeNames[type.toLowerCase()] ?? type;
}
