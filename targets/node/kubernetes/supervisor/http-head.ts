import { hash } from "node:crypto";

/** Enough for the headers that a client sends; what has more is looked at no further. */
export const mostHeadBytes: number = 16 * 1024;

export type Head =
  /** SHA-256 of the token, and the token's claimed pod where it is a service account's (a claim: for the way only). */
  | { readonly kind: "token"; readonly hash: string; readonly podUid: string | undefined }
  /** Not all there yet. */
  | { readonly kind: "more" }
  /** HTTP/2, or a request without a token. */
  | { readonly kind: "none" };

const preface = "PRI ";

/** What the first bytes of a connection say of whose it is. They are HTTP/1 headers, or they say nothing. */
export function readHead(bytes: Buffer): Head {
  const text = bytes.toString("latin1");
  if (text.startsWith(preface) || preface.startsWith(text))
    return { kind: text.length < 4 ? "more" : "none" };
  const found = /\r?\n(?:dapr-api-token)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?\n/i.exec(text);
  const end = /\r?\n\r?\n/.exec(text);
  // A header of the body is none of the request's.
  if (found && (!end || found.index < end.index)) {
    const token = found[1] as string;
    return { kind: "token", hash: hash("sha256", token, "hex"), podUid: claimedPod(token) };
  }
  return { kind: end || bytes.length >= mostHeadBytes ? "none" : "more" };
}

/** The pod that a JWT names, unchecked. */
function claimedPod(token: string): string | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const payload = JSON.parse(Buffer.from(parts[1] as string, "base64url").toString("utf8")) as {
      readonly "kubernetes.io"?: { readonly pod?: { readonly uid?: unknown } };
    } | null;
    const uid = payload?.["kubernetes.io"]?.pod?.uid;
    return typeof uid === "string" ? uid : undefined;
  } catch {
    return undefined;
  }
}
