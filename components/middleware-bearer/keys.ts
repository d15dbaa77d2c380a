import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { messageOf } from "#core/errors/component-error.ts";
import type { Host } from "#core/ports/manifest.ts";
import { boundedBytes } from "#core/util/bounded-read.ts";

export interface Expected {
  readonly issuer: string;
  readonly audience: string;
}
/** True for a token that holds. */
export type Verify = (token: string) => Promise<boolean>;

const timeoutMs = 5000;
const cooldownMs = 30_000;
const mostBytes = 1024 * 1024;
/** Dapr's, for issuers whose clocks are off. */
const skewSeconds = 300;

/** Fetches the keys now, again every 10 minutes of use, and when a token names a key that is not among them. */
export async function createVerify(
  jwksUrl: string,
  expected: Expected,
  host: Host,
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
        clockTolerance: skewSeconds,
        currentDate: new Date(now),
      });
      return payload.iat === undefined || payload.iat <= now / 1000 + skewSeconds;
    } catch (reason) {
      if (reason instanceof errors.JOSEError || reason instanceof TypeError) return false;
      throw reason;
    }
  };
}

/** The keys that were fetched last serve on while the issuer cannot be reached. */
function lastingKeys(
  remote: ReturnType<typeof createRemoteJWKSet>,
  { clock, log }: Host,
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

function boundedFetch({ fetch }: Host) {
  return async (url: string, init: object): Promise<Response> => {
    const response = await fetch(url, { ...init, redirect: "follow" } as RequestInit);
    const body = await boundedBytes(response as never, mostBytes);
    return new Response(body as never, { status: response.status });
  };
}
