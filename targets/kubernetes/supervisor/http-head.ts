import { hash } from "node:crypto";
import { createKeptBytes } from "./kept-bytes.ts";

/** Enough for the headers that a client sends; what has more is looked at no further. */
export const mostHeadBytes: number = 16 * 1024;

export type Head =
  /** SHA-256 of the token, and the token's claimed pod where it is a service account's (a claim: for the way only). */
  | { readonly kind: "token"; readonly hash: string; readonly podUid: string | undefined }
  /** Not all there yet. */
  | { readonly kind: "more" }
  /** Another protocol, which http2-head.ts reads. */
  | { readonly kind: "http2" }
  /** A request without a token. */
  | { readonly kind: "none" };

/** Reads the first bytes of a connection as they come, each of them once: who sends them is not known yet. */
export interface HeadReader {
  /** What is known after these. */
  push(bytes: Uint8Array): Head;
  /** All of them so far. */
  readonly bytes: Buffer;
}

const preface = "PRI ";
export const tokenHeader = "dapr-api-token";
const more: Head = { kind: "more" };
const none: Head = { kind: "none" };

/** What the first bytes of a connection say of whose it is. They are HTTP/1 headers, or they say nothing. */
export function createHeadReader(): HeadReader {
  const kept = createKeptBytes();
  let lineStart = 0;
  let scanned = 0;
  let lines = 0;
  let found: Head = more;

  function readLine(all: Buffer, end: number): Head {
    const start = lineStart;
    lineStart = end + 1;
    const last = end > start && all[end - 1] === 13 ? end - 1 : end;
    // Empty lines before a request are overlooked, as parsers of HTTP do.
    if (last === start) return lines === 0 ? more : none;
    // The request's own line is not a header.
    if (lines++ === 0) return more;
    const name = all.toString("latin1", start, Math.min(last, start + tokenHeader.length + 1));
    if (name.toLowerCase() !== `${tokenHeader}:`) return more;
    return tokenHead(trimmed(all.toString("latin1", start + name.length, last)));
  }
  function read(all: Buffer): Head {
    const start = all.toString("latin1", 0, Math.min(all.length, preface.length));
    if (start === preface) return { kind: "http2" };
    if (preface.startsWith(start)) return more;
    const end = Math.min(all.length, mostHeadBytes);
    while (scanned < end) {
      const at = all.subarray(0, end).indexOf(10, scanned);
      scanned = at === -1 ? end : at + 1;
      if (at === -1) break;
      const said = readLine(all, at);
      if (said.kind !== "more") return said;
    }
    return all.length >= mostHeadBytes ? none : more;
  }
  return {
    push: (bytes) => {
      kept.push(bytes);
      if (found.kind === "more") found = read(kept.bytes);
      return found;
    },
    get bytes() {
      return kept.bytes;
    },
  };
}
export function readHead(bytes: Uint8Array): Head {
  return createHeadReader().push(bytes);
}

export function tokenHead(token: string): Head {
  return { kind: "token", hash: hash("sha256", token, "hex"), podUid: claimedPod(token) };
}

/** Without the spaces and tabs around it. A pattern would take its time with thousands of them. */
function trimmed(text: string): string {
  const isBlank = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
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
