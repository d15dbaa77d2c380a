import type { Workload } from "./workload.ts";

/** Says whose token it is; `undefined` for one that does not hold. */
export type TokenVerifier = (token: string) => Promise<Workload | undefined>;

/** An app as far as its API tokens go. */
export interface TokenOwner {
  readonly appId: string;
  readonly namespace: string;
  readonly trustDomain: string;
  /** SHA-256 texts of the tokens that are accepted. */
  readonly apiTokens: readonly string[];
  /** SHA-256 as hexadecimal text, where the platform has it without a wait. */
  readonly digest?: ((text: string) => string) | undefined;
  /** Present where JWTs of an issuer are accepted, too. */
  readonly verifyToken?: TokenVerifier | undefined;
}

/**
 * The tokens that a setting names: all of them between its commas, so that two hold while they are exchanged, and
 * the whole text, which for Dapr is one token, commas or not.
 */
export function tokensOf(text: string): readonly string[] {
  const tokens = [text, ...text.split(",")].flatMap((token) => token.trim() || []);
  return [...new Set(tokens)];
}

/** True where the app's API asks for a token. */
export function asksForToken({ apiTokens, verifyToken }: TokenOwner): boolean {
  return apiTokens.length > 0 || verifyToken !== undefined;
}

/** Whether the token is one of the app's. Only digests are compared, all of them, so that time says nothing about a token. */
export function holdsToken(app: TokenOwner, token: string): boolean | Promise<boolean> {
  const { digest, verifyToken } = app;
  if (!digest) return hashToken(token).then((text) => isListed(app, text) || isClaimed(app, token));
  return isListed(app, digest(token)) || (verifyToken ? isClaimed(app, token) : false);
}

function isListed({ apiTokens }: TokenOwner, digest: string): boolean {
  let match = false;
  for (const wanted of apiTokens) match = digest === wanted || match;
  return match;
}

async function isClaimed(app: TokenOwner, token: string): Promise<boolean> {
  const workload = await app.verifyToken?.(token);
  return (
    workload !== undefined &&
    workload.appId === app.appId &&
    workload.namespace === (app.namespace || "default") &&
    workload.trustDomain === app.trustDomain
  );
}

/** Tokens are kept and compared as SHA-256 texts. */
export async function hashToken(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
