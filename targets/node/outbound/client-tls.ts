import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { ClientTls } from "#core/ports/platform.ts";
import type { ConnectOptions } from "./outside.ts";

const maxPemBytes = 1024 * 1024;

/** Connections that show a certificate, and trust only the authority that is named, if one is. Throws for what is not PEM. */
export function withTls(how: ConnectOptions, tls: ClientTls): ConnectOptions {
  const connect = {
    ...(tls.rootCa ? { ca: pemOf("root CA", tls.rootCa) } : {}),
    ...(tls.certificate ? { cert: pemOf("certificate", tls.certificate) } : {}),
    ...(tls.privateKey ? { key: pemOf("private key", tls.privateKey) } : {}),
  };
  // Says now what is wrong with them, rather than with each call. OpenSSL passes over an authority it cannot read.
  if (connect.ca) check("root CA", connect.ca);
  createSecureContext(connect);
  return { ...how, ...connect };
}

function check(what: string, pem: string): void {
  try {
    void new X509Certificate(pem);
  } catch (reason) {
    throw new Error(`the ${what} is not a certificate`, { cause: reason });
  }
}

/** Dapr: what is not a PEM text is the path of a file. */
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
