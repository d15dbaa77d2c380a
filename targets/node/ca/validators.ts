import type { TokenVerifier } from "#core/identity/token-check.ts";
import { spiffeId, type Workload } from "#core/identity/workload.ts";

/** Why somebody does not get the identity asked for; `undefined` where it is proven. */
export type Validator = (
  asked: Workload,
  request: { readonly token: string },
) => Promise<string | undefined>;

/** Takes everybody's word: for one machine, where whoever reaches the port is trusted anyway. */
export const insecure: Validator = async () => undefined;

/** Takes a JWT's: it must name the very workload that is asked for. */
export function jwks(verify: TokenVerifier): Validator {
  return async (asked, { token }) => {
    if (token === "") return "a token is required";
    const proven = await verify(token);
    if (!proven) return "the token does not hold";
    const same = proven.appId === asked.appId && proven.namespace === asked.namespace;
    return same ? undefined : `the token is of ${spiffeId(proven)}, not of ${spiffeId(asked)}`;
  };
}
