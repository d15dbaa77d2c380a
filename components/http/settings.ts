import { type Options, optionsOf } from "#components/_shared/options.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import type { ClientTls } from "#core/ports/platform.ts";
import { parseQuantity } from "#core/util/quantity.ts";
import { options } from "./options.ts";
import { canStand } from "./request-headers.ts";

export interface Settings {
  readonly url: string;
  /** Basic authentication that the address held. */
  readonly authorization: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly maxBodyBytes: number;
  readonly securityHeader: readonly [name: string, value: string] | undefined;
  readonly errorIfNot2XX: boolean;
  /** Absent: the platform's own trust, and no certificate. */
  readonly tls: ClientTls | undefined;
}
const mostBytes = 2 ** 30;

export function readSettings(spec: ComponentSpec): Settings {
  const given = optionsOf(spec, options);
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
    tls: readTls(given),
  };
}

/** Dapr: a certificate and its key count only together. */
function readTls(given: Options): ClientTls | undefined {
  const rootCa = given.text("MTLSRootCA");
  const certificate = given.text("MTLSClientCert");
  const privateKey = given.text("MTLSClientKey");
  if ((certificate === undefined) !== (privateKey === undefined))
    throw new Error("MTLSClientCert and MTLSClientKey go together; give both");
  if (rootCa === undefined && certificate === undefined) return undefined;
  return {
    ...(rootCa === undefined ? {} : { rootCa }),
    ...(certificate === undefined || privateKey === undefined ? {} : { certificate, privateKey }),
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
  if (!canStand(name, value))
    throw new Error(
      "securityTokenHeader must be a header's name, and securityToken a header's value without line breaks",
    );
  return [name, value];
}
