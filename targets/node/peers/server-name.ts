import { createHash } from "node:crypto";
import type { AppRef } from "#core/ports/platform.ts";

/**
 * The name that a caller asks for by TLS's SNI, on a port that is many apps': `cart.shop.outrigger`, for app `cart`
 * of namespace `shop`. It picks a certificate and proves nothing.
 *
 * A part that is a DNS label of lower case stands as it is. Any other is base32 of its UTF-8 in labels of their own,
 * each with a mark before it: `y--` where another follows, `x--` on the last. Two parts for which 253 characters
 * are too few have a digest in their place (`z--…`): such a name can be compared, but not read.
 */
export function serverNameOf({ appId, namespace }: AppRef): string {
  const app = labelsOf(appId);
  const ns = labelsOf(namespace || "default");
  const name = app && ns && [...app, ...ns, suffix].join(".");
  return name && name.length <= mostChars ? name : digestOf(appId, namespace || "default");
}
const suffix = "outrigger";
/** Of a name in DNS, which is what SNI carries. */
const mostChars = 253;

/** The app whose name that is; `undefined` for any that `serverNameOf` does not give, and for a digest. */
export function appOfServerName(name: string): AppRef | undefined {
  if (name.length > mostChars) return undefined;
  const labels = name.split(".");
  if (labels.pop() !== suffix) return undefined;
  const parts: string[] = [];
  for (let open = ""; labels.length > 0;) {
    const label = labels.shift() as string;
    const coded = label.startsWith("y--") || label.startsWith("x--");
    // Text that a part begins with must also end with a mark.
    if (!coded && open !== "") return undefined;
    open += coded ? label.slice(3) : "";
    if (label.startsWith("y--")) {
      if (labels.length === 0) return undefined;
      continue;
    }
    parts.push(coded ? decoded(open) : label);
    open = "";
  }
  const [appId, namespace, ...rest] = parts;
  if (!appId || !namespace || rest.length > 0) return undefined;
  // One spelling for each app, so that names can be compared.
  return serverNameOf({ appId, namespace }) === name ? { appId, namespace } : undefined;
}

/** `undefined` for what UTF-8 cannot hold, and for the empty text. */
function labelsOf(part: string): readonly string[] | undefined {
  if (part.length <= 63 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(part) && !/^[xyz]--/.test(part))
    return [part];
  if (part === "" || part.length > mostChars || !part.isWellFormed()) return undefined;
  const coded = encoded(Buffer.from(part));
  const chunks = coded.match(/.{1,56}/g) ?? [];
  return chunks.map((chunk, i) => `${i === chunks.length - 1 ? "x" : "y"}--${chunk}`);
}

function digestOf(appId: string, namespace: string): string {
  const both = JSON.stringify([appId, namespace]);
  return `z--${encoded(createHash("sha256").update(both).digest())}.${suffix}`;
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
function encoded(bytes: Uint8Array): string {
  let out = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) out += alphabet[(value >> (bits - 5)) & 31];
  }
  if (bits > 0) out += alphabet[(value << (5 - bits)) & 31];
  return out;
}
/** Of text that is not base32, something that `serverNameOf` spells otherwise. */
function decoded(text: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const char of text) {
    value = ((value << 5) | alphabet.indexOf(char)) & 0xfff;
    bits += 5;
    if (bits >= 8) bytes.push((value >> (bits -= 8)) & 0xff);
  }
  return Buffer.from(bytes).toString();
}
