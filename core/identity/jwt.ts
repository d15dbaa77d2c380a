import { messageOf } from "#core/errors/component-error.ts";
import type { KeyHost, Verify } from "./jwks.ts";
import { hashToken, type TokenVerifier } from "./token-check.ts";
import { defaultTrustDomain, parseSpiffeId, type Workload } from "./workload.ts";

/** Whose JWTs are API tokens. */
export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Absent: from the issuer's OpenID Connect document. */
  readonly jwksUrl?: string;
}

/** From `OUTRIGGER_JWT_ISSUER`, `OUTRIGGER_JWT_AUDIENCE` and `OUTRIGGER_JWT_JWKS_URL`; `undefined` where no issuer is named. */
export function readJwtSettings(
  env: Readonly<Record<string, string | undefined>>,
): JwtSettings | undefined {
  const issuer = env["OUTRIGGER_JWT_ISSUER"] ?? "";
  const audience = env["OUTRIGGER_JWT_AUDIENCE"] ?? "";
  const jwksUrl = env["OUTRIGGER_JWT_JWKS_URL"] ?? "";
  if (issuer === "" && audience === "" && jwksUrl === "") return undefined;
  if (issuer === "" || audience === "")
    throw new Error("OUTRIGGER_JWT_ISSUER and OUTRIGGER_JWT_AUDIENCE go together; set both");
  if (jwksUrl !== "" && !/^https?:$/.test(URL.parse(jwksUrl)?.protocol ?? ""))
    throw new Error("OUTRIGGER_JWT_JWKS_URL must be an http or https address");
  return { issuer, audience, ...(jwksUrl === "" ? {} : { jwksUrl }) };
}

const mostKnown = 10_000;
/** A token that was checked is not checked again for this long, so that a key that was withdrawn stops counting. */
const knownMs = 60_000;
const retryMs = 5000;

/** Checks JWTs of one issuer. Keys are fetched with the first token; while they cannot be, none holds. */
export function createJwtVerifier(settings: JwtSettings, host: KeyHost): TokenVerifier {
  const known = new Map<string, { readonly workload: Workload; readonly until: number }>();
  let keys: Promise<Verify> | undefined;
  let tryAgainAt = 0;

  function keysNow(): Promise<Verify> | undefined {
    if (keys || host.clock.now() < tryAgainAt) return keys;
    keys = openKeys(settings, host);
    keys.catch((reason: unknown) => {
      keys = undefined;
      tryAgainAt = host.clock.now() + retryMs;
      host.log.error(`Cannot check JWTs of ${settings.issuer}: ${messageOf(reason)}`);
    });
    return keys;
  }

  return async (token) => {
    // Three parts, as every signed JWT has; what is none costs nothing more.
    if (token.length > 16_384 || token.split(".").length !== 3) return undefined;
    const id = await hashToken(token);
    const now = host.clock.now();
    const found = known.get(id);
    if (found && now < found.until) return found.workload;
    known.delete(id);
    try {
      const verify = await keysNow();
      const payload = await verify?.(token);
      // A token that never ends could not be taken back.
      if (payload?.exp === undefined) return undefined;
      const workload = workloadOf(payload);
      if (!workload) return undefined;
      known.set(id, { workload, until: Math.min(payload.exp * 1000, now + knownMs) });
      if (known.size > mostKnown) known.delete(known.keys().next().value as string);
      return workload;
    } catch (reason) {
      host.log.warn(`Cannot check a JWT: ${messageOf(reason)}`);
      return undefined;
    }
  };
}

async function openKeys({ jwksUrl, ...expected }: JwtSettings, host: KeyHost): Promise<Verify> {
  // Loaded only where JWTs are asked for.
  const { createVerify } = await import("./jwks.ts");
  const { discoverKeys } = await import("./discover-keys.ts");
  return createVerify(jwksUrl ?? (await discoverKeys(expected.issuer, host)), expected, host);
}

/** Claim `app_id` with `namespace` and `trust_domain`, or a SPIFFE id as the subject. */
function workloadOf(payload: Readonly<Record<string, unknown>>): Workload | undefined {
  const appId = payload["app_id"];
  if (typeof appId !== "string" || appId === "")
    return typeof payload["sub"] === "string" ? parseSpiffeId(payload["sub"]) : undefined;
  const { namespace = "default", trust_domain: trustDomain = defaultTrustDomain } = payload;
  if (typeof namespace !== "string" || typeof trustDomain !== "string") return undefined;
  return { appId, namespace: namespace || "default", trustDomain };
}
