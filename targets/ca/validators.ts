import { SignCertificateRequest_TokenValidator as TokenValidator } from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import type { TokenVerifier } from "#core/identity/token-check.ts";
import { spiffeId, type Workload } from "#core/identity/workload.ts";
import type { CertificateRules } from "#k8s/identity/certificate-rules.ts";

/** Who somebody turned out to be, or why no identity is given. `isTransient`: asking again may help. */
export type Verdict =
  | { readonly proven: Workload }
  | { readonly refused: string; readonly isTransient?: boolean };
export type Validator = (
  asked: Workload,
  request: { readonly token: string; readonly tokenValidator: TokenValidator },
) => Promise<Verdict>;

/** Takes everybody's word: for one machine, where whoever reaches the port is trusted anyway. */
export const insecure: Validator = async (asked) => ({ proven: asked });

/** Takes a JWT's: it must name the very workload that is asked for. */
export function jwks(verify: TokenVerifier): Validator {
  return async (asked, { token }) => {
    if (token === "") return { refused: "a token is required" };
    const proven = await verify(token);
    if (!proven) return { refused: "the token does not hold" };
    const same = proven.appId === asked.appId && proven.namespace === asked.namespace;
    if (same) return { proven: asked };
    return { refused: `the token belongs to ${spiffeId(proven)}, not to ${spiffeId(asked)}` };
  };
}

/** Takes a service account's token, by what Kubernetes says of its pod. */
export function kubernetes(rules: CertificateRules): Validator {
  return async (asked, { token, tokenValidator }) => {
    // Unsaid is the authority's own choice, as for Dapr.
    if (tokenValidator === TokenValidator.KUBERNETES || tokenValidator === TokenValidator.UNKNOWN)
      return rules(asked, token);
    return { refused: "the requested validator is not enabled: this authority takes kubernetes" };
  };
}
