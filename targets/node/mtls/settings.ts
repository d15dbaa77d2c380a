import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Wanted } from "./check-peer.ts";

/** How this process gets certificates for the apps that it hosts. */
export interface MtlsSettings {
  /** `host:port` of the authority. */
  readonly address: string;
  /** Who the authority must be. */
  readonly authority: Wanted;
  /** Roots that are trusted now; PEM. */
  anchors(): Promise<string>;
  /** Holds what proves to the authority who we are; absent where it takes our word. */
  readonly tokenFile?: string;
  /** What the token is: of a Kubernetes service account, else a JWT of an issuer that the authority knows. */
  readonly tokenIs?: "kubernetes" | "jwt";
  /** How often a file of anchors is read. Default: 10 s. */
  readonly anchorsMs?: number;
}
export interface MtlsFlags {
  readonly sentryAddress: string;
  readonly controlPlaneTrustDomain: string;
  readonly controlPlaneNamespace: string;
}

/** Where Kubernetes puts the token that Dapr's injector, and ours, ask it for. */
export const kubernetesTokenFile = "/var/run/secrets/dapr.io/sentrytoken/token";

/**
 * From the flags and the environment (`DAPR_TRUST_ANCHORS` or `DAPR_TRUST_ANCHORS_FILE`, `DAPR_SENTRY_TOKEN_FILE`;
 * without the last the token of a service account, where there is one). Throws with what is missing.
 */
export function mtlsSettings(
  { sentryAddress, controlPlaneTrustDomain, controlPlaneNamespace }: MtlsFlags,
  env: Readonly<Record<string, string | undefined>>,
  isThere: (path: string) => boolean = existsSync,
): MtlsSettings {
  if (sentryAddress === "")
    throw new Error("--enable-mtls needs --sentry-address, host and port of the authority");
  const text = env["DAPR_TRUST_ANCHORS"] ?? "";
  const file = env["DAPR_TRUST_ANCHORS_FILE"] ?? "";
  if (text === "" && file === "")
    throw new Error(
      "--enable-mtls needs the trusted roots: set DAPR_TRUST_ANCHORS (PEM) or DAPR_TRUST_ANCHORS_FILE",
    );
  return {
    address: sentryAddress,
    authority: {
      appId: "dapr-sentry",
      namespace: controlPlaneNamespace || "default",
      trustDomain: controlPlaneTrustDomain || "localhost",
    },
    anchors: async () => {
      const pem = file === "" ? text : await readFile(file, "utf8");
      if (!pem.includes("-----BEGIN CERTIFICATE-----"))
        throw new Error("the trust anchors hold no certificate");
      return pem;
    },
    ...tokenOf(env["DAPR_SENTRY_TOKEN_FILE"] ?? "", isThere),
  };
}

function tokenOf(
  given: string,
  isThere: (path: string) => boolean,
): Pick<MtlsSettings, "tokenFile" | "tokenIs"> {
  if (given === kubernetesTokenFile || (given === "" && isThere(kubernetesTokenFile)))
    return { tokenFile: kubernetesTokenFile, tokenIs: "kubernetes" };
  return given === "" ? {} : { tokenFile: given, tokenIs: "jwt" };
}
