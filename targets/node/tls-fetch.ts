import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { LookupFunction } from "node:net";
import { createSecureContext } from "node:tls";
import type { ClientTls } from "#core/ports/platform.ts";

/** How connections are made. */
export interface ConnectOptions {
  readonly lookup?: LookupFunction;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Absent: every call goes straight to its host. */
  readonly proxies?: Proxies;
}
/** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; empty for what is not set. */
export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}
const maxPemBytes = 1024 * 1024;

/** A `fetch` that shows a certificate, and trusts only the authority that is named, if one is. Throws for what is no PEM. */
export function tlsFetch(tls: ClientTls, how: ConnectOptions = {}): typeof globalThis.fetch {
  const connect = {
    ...(tls.rootCa ? { ca: pemOf("root CA", tls.rootCa) } : {}),
    ...(tls.certificate ? { cert: pemOf("certificate", tls.certificate) } : {}),
    ...(tls.privateKey ? { key: pemOf("private key", tls.privateKey) } : {}),
  };
  // Says now what is wrong with them, rather than with each call. OpenSSL passes over an authority it cannot read.
  if (connect.ca) check("root CA", connect.ca);
  createSecureContext(connect);
  return agentFetch({ ...how, ...connect });
}

/** A `fetch` over connections of its own. Its library is loaded with the first call: many processes make none. */
export function agentFetch(connect: ConnectOptions): typeof globalThis.fetch {
  let opening: Promise<typeof globalThis.fetch> | undefined;
  const open = async (): Promise<typeof globalThis.fetch> =>
    (await import("./open-agent.ts")).openAgent(connect);
  return async (input, init) => (await (opening ??= open()))(input, init);
}

function check(what: string, pem: string): void {
  try {
    void new X509Certificate(pem);
  } catch (reason) {
    throw new Error(`the ${what} is not a certificate`, { cause: reason });
  }
}

/** Dapr: what is no PEM text is the path of a file. */
function pemOf(what: string, given: string): string {
  if (given.includes("-----BEGIN ")) return given;
  let text: string;
  try {
    text = readFileSync(given, "utf8");
  } catch (reason) {
    throw new Error(`the ${what} is neither PEM nor the path of a file that can be read`, {
      cause: reason,
    });
  }
  if (text.length > maxPemBytes || !text.includes("-----BEGIN "))
    throw new Error(`the file of the ${what} holds no PEM`);
  return text;
}
