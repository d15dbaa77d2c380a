import { jwkOf } from "#core/blocks/crypto/keys/jwk.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Jwk } from "#core/ports/crypto-provider.ts";
import { fromBase64 } from "#core/util/base64.ts";
import { isRecord } from "#core/util/json.ts";

/** The keys as they are now. */
export type KeySet = (options: CallOptions) => Promise<readonly Jwk[]>;

/** Largest key set that is read, in bytes. */
export const maxBytes: number = 1024 * 1024;

/** A set given as it is, or in base64. */
export function inlineKeySet(text: string): KeySet {
  let keys: readonly Jwk[];
  try {
    keys = parseKeySet(decoded(text));
  } catch (reason) {
    throw new Error(
      "failed to parse jwks: it is not a URL, the path of a file, or JSON (with or without base64)",
      { cause: reason },
    );
  }
  return async () => keys;
}

/** A set, or one key alone. Kinds of keys that are not known are left out, as RFC 7517 wants it. */
export function parseKeySet(text: string): readonly Jwk[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's text would quote what may be a private key.
    throw new Error("the key set is not valid JSON");
  }
  if (!isRecord(value) || !Array.isArray(value["keys"])) return [jwkOf(value)];
  return value["keys"].flatMap((key: unknown) => {
    try {
      return [jwkOf(key)];
    } catch {
      return [];
    }
  });
}

function decoded(text: string): string {
  const base64 = text.trim().replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/\r\n]+$/.test(base64)) return text;
  const clean = base64.replace(/[\r\n]/g, "");
  return new TextDecoder().decode(fromBase64(clean.padEnd(Math.ceil(clean.length / 4) * 4, "=")));
}
