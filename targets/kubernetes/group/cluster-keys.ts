import { createLocalJWKSet, type JWTPayload, jwtVerify } from "jose";

/** Keys that the cluster signs service-account tokens with. */
export interface ClusterKeys {
  /** The claims of a token that holds; rejects, for one of another key with a `code` that says so. */
  verify(token: string, audience: string, now: number): Promise<JWTPayload>;
}
const skewSeconds = 30;

export function clusterKeys({
  keys,
  issuer,
}: {
  readonly keys: readonly object[];
  readonly issuer: string;
}): ClusterKeys {
  const set = createLocalJWKSet({ keys: [...keys] as never });
  return {
    verify: async (token, audience, now) => {
      const { payload } = await jwtVerify(token, set, {
        issuer,
        audience,
        requiredClaims: ["exp"],
        clockTolerance: skewSeconds,
        currentDate: new Date(now),
      });
      return payload;
    },
  };
}
