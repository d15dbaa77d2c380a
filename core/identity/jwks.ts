import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { messageOf } from "#core/errors/component-error.ts";
import type { Host } from "#core/ports/manifest.ts";
import { boundedBytes } from "#core/util/bounded-read.ts";

/** What fetching keys takes from outside. */
export type KeyHost = Pick<Host, "clock" | "fetch" | "log">;

export interface Expected {
  readonly issuer: string;
  readonly audience: string;
}
/** What a token that holds claims; `undefined` for one that does not. */
export type Verify = (token: string) => Promise<JWTPayload | undefined>;

const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
const timeoutMs = 5000;
const cooldownMs = 30_000;
const mostBytes = 1024 * 1024;
/** Dapr's, for issuers whose clocks are off. */
const skewSeconds = 300;

/** Fetches the keys now, again every 10 minutes of use, and when a token names a key that is not among them. */
export async function createVerify(
  jwksUrl: string,
  expected: Expected,
  host: KeyHost,
): Promise<Verify> {
  const remote = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: 600_000,
    [customFetch]: boundedFetch(host),
  });
  try {
    await remote.reload();
  } catch (reason) {
    throw new Error(`failed to fetch JWKS: ${messageOf(reason)}`, { cause: reason });
  }
  const key = lastingKeys(remote, host);
  return async (token) => {
    const now = host.clock.now();
    try {
      const { payload } = await jwtVerify(token, key, {
        ...expected,
        // Only what a public key can check: a text that the issuer publishes is not a secret.
        algorithms,
        clockTolerance: skewSeconds,
        currentDate: new Date(now),
      });
      const isFromLater = payload.iat !== undefined && payload.iat > now / 1000 + skewSeconds;
      return isFromLater ? undefined : payload;
    } catch (reason) {
      if (reason instanceof errors.JOSEError || reason instanceof TypeError) return undefined;
      throw reason;
    }
  };
}

/** The keys that were fetched last serve on while the issuer cannot be reached. */
function lastingKeys(
  remote: ReturnType<typeof createRemoteJWKSet>,
  { clock, log }: KeyHost,
): JWTVerifyGetKey {
  let lasting: JWTVerifyGetKey | undefined;
  let tryAgainAt = 0;
  return async (header, token) => {
    if (lasting && clock.now() < tryAgainAt) return lasting(header, token);
    try {
      const key = await remote(header, token);
      lasting = undefined;
      return key;
    } catch (reason) {
      const known = remote.jwks();
      if (isAboutToken(reason) || !known) throw reason;
      log.warn(`Error while refreshing JWKS cache: ${messageOf(reason)}`);
      tryAgainAt = clock.now() + cooldownMs;
      lasting = createLocalJWKSet(known);
      return lasting(header, token);
    }
  };
}

/** A fault of the token and not of the way to the keys. */
function isAboutToken(reason: unknown): boolean {
  return (
    reason instanceof errors.JWKSNoMatchingKey ||
    reason instanceof errors.JWKSMultipleMatchingKeys ||
    reason instanceof errors.JOSENotSupported
  );
}

function boundedFetch({ fetch }: KeyHost) {
  return async (url: string, init: object): Promise<Response> => {
    const response = await fetch(url, { ...init, redirect: "follow" } as RequestInit);
    const body = await boundedBytes(response as never, mostBytes);
    return new Response(body as never, { status: response.status });
  };
}
