import { optionsOf } from "#components/_shared/options.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { parseQuantity } from "#core/util/quantity.ts";
import { options } from "./options.ts";

export interface Settings {
  readonly url: string;
  /** Basic authentication that the address held. */
  readonly authorization: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly maxBodyBytes: number;
  readonly securityHeader: readonly [name: string, value: string] | undefined;
  readonly errorIfNot2XX: boolean;
}
const mostBytes = 2 ** 30;

export function readSettings(spec: ComponentSpec): Settings {
  const given = optionsOf(spec, options);
  for (const name of ["MTLSRootCA", "MTLSClientCert", "MTLSClientKey"])
    if (given.text(name) !== undefined)
      throw new Error(
        `${name} cannot be used: this runtime's HTTP client takes no certificates of a component; remove it, or call through a proxy that does the TLS`,
      );
  const renegotiation = given.text("MTLSRenegotiation");
  if (renegotiation !== undefined && renegotiation !== "RenegotiateNever")
    throw new Error(
      `MTLSRenegotiation must be RenegotiateNever, not ${JSON.stringify(renegotiation)}`,
    );
  const timeoutMs = given.duration("responseTimeout", 1000);
  if (timeoutMs !== undefined && timeoutMs <= 0)
    throw new Error("responseTimeout must be more than 0");
  return {
    ...readUrl(given.text("url") ?? ""),
    timeoutMs,
    maxBodyBytes: readLimit(given.text("maxResponseBodySize") ?? ""),
    securityHeader: readSecurityHeader(
      given.text("securityTokenHeader"),
      given.text("securityToken"),
    ),
    errorIfNot2XX: given.flag("errorIfNot2XX"),
  };
}

function readUrl(text: string): Pick<Settings, "url" | "authorization"> {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new Error("url must be an absolute http or https address");
  const url = new URL(text);
  if (url.username === "" && url.password === "") return { url: text, authorization: undefined };
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = "";
  url.password = "";
  const bytes = new TextEncoder().encode(user);
  return { url: url.href, authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

function readLimit(text: string): number {
  if (/^-\d+[A-Za-z]*$/.test(text)) return mostBytes;
  const bytes = parseQuantity(text);
  if (bytes === undefined)
    throw new Error(
      `maxResponseBodySize must be a quantity like 1000, 10Ki or 100Mi, not ${JSON.stringify(text)}`,
    );
  return bytes === 0 ? mostBytes : Math.min(bytes, mostBytes);
}

/** Dapr: one without the other has no effect. */
function readSecurityHeader(
  name: string | undefined,
  value: string | undefined,
): Settings["securityHeader"] {
  if (name === undefined || value === undefined) return undefined;
  try {
    new Headers().set(name, value);
  } catch {
    throw new Error(
      "securityTokenHeader must be a header's name, and securityToken a header's value without line breaks",
    );
  }
  return [name, value];
}
