import { X509Certificate } from "node:crypto";
import { parseArgs } from "node:util";
import { createJwtVerifier } from "#core/identity/jwt.ts";
import { parseDuration } from "#core/util/duration.ts";
import { clock } from "../node/clock.ts";
import type { Cli } from "./cli.ts";
import { levelOf, logFatal, openLog } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";

const help = `Usage:
  outrigger ca [flags]                Sign certificates for workloads: the role of dapr-sentry
  outrigger ca rotate-root [flags]    Take the next step to a new root; run it again for the one after
  outrigger ca status [flags]         Show what the authority has, and until when

Flags:
  --issuer-credentials DIR      Folder of ca.crt, issuer.crt and issuer.key; made when it is empty (default ./outrigger-ca)
  --trust-domain NAME           Of the authority itself (default localhost)
  --control-plane-namespace NS  Of the authority itself (default default)
  --port PORT                   (default 50001)
  --listen-address ADDRESS      (default 127.0.0.1: the authority takes everybody's word without --jwt-issuer)
  --workload-cert-ttl TIME      (default 24h)
  --allowed-clock-skew TIME     (default 15m)
  --jwt-issuer URL, --jwt-audience NAME, --jwks-url URL
                                Whose JWTs prove who somebody is; without them everybody's word counts
`;

/** `outrigger ca`; resolves with the exit code. */
export async function ca(args: readonly string[], cli: Cli): Promise<number> {
  const log = openLog({
    level: levelOf("info"),
    json: false,
    write: (line) => cli.out(`${line}\n`),
  });
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        "issuer-credentials": { type: "string", default: "./outrigger-ca" },
        "trust-domain": { type: "string", default: "localhost" },
        "control-plane-namespace": { type: "string", default: "default" },
        port: { type: "string", default: "50001" },
        "listen-address": { type: "string", default: "127.0.0.1" },
        "workload-cert-ttl": { type: "string", default: "24h" },
        "allowed-clock-skew": { type: "string", default: "15m" },
        "jwt-issuer": { type: "string", default: "" },
        "jwt-audience": { type: "string", default: "" },
        "jwks-url": { type: "string", default: "" },
      },
    });
    if (values.help) {
      cli.out(help);
      return 0;
    }
    const folder = values["issuer-credentials"];
    const trustDomain = values["trust-domain"];
    const { openFolder, rotateRoot, splitPem } = await import("../node/ca/folder.ts");
    switch (positionals[0]) {
      case "rotate-root": {
        const phase = await rotateRoot(folder, trustDomain);
        cli.out(`${steps[phase]}\n`);
        return 0;
      }
      case "status": {
        const { anchors, issuer } = await openFolder(folder, trustDomain);
        const certificates = { issuer: [issuer.certificate], root: splitPem(anchors) };
        for (const [what, all] of Object.entries(certificates))
          for (const pem of all) {
            const { subject, validTo, fingerprint256 } = new X509Certificate(pem);
            cli.out(
              `${what}  ${subject.replaceAll("\n", " ")}  until ${validTo}  ${fingerprint256.slice(0, 23)}\n`,
            );
          }
        return 0;
      }
      case undefined:
        break;
      default:
        throw new Error(`Unknown command "ca ${positionals[0]}"; see outrigger ca --help`);
    }
    const { serveCa } = await import("../node/ca/serve-ca.ts");
    const { insecure, jwks } = await import("../node/ca/validators.ts");
    const issuer = values["jwt-issuer"];
    if (issuer !== "" && values["jwt-audience"] === "")
      throw new Error("--jwt-issuer needs --jwt-audience");
    const jwt = { issuer, audience: values["jwt-audience"] };
    const verify =
      issuer === ""
        ? undefined
        : createJwtVerifier(
            values["jwks-url"] === "" ? jwt : { ...jwt, jwksUrl: values["jwks-url"] },
            { clock, log, fetch: globalThis.fetch },
          );
    if (!verify)
      log.warn(
        "Everybody who reaches the port gets the identity that is asked for: no --jwt-issuer is given",
      );
    const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
    await using server = await serveCa({
      port: wholeNumber("port", values.port),
      address: values["listen-address"],
      folder,
      trustDomain,
      namespace: values["control-plane-namespace"],
      workloadTtlMs: duration("workload-cert-ttl", values["workload-cert-ttl"]),
      clockSkewMs: duration("allowed-clock-skew", values["allowed-clock-skew"]),
      validator: verify ? jwks(verify) : insecure,
      log,
    });
    log.info(
      `Certificate authority listening on port ${server.port}; trusted roots are in ${folder}/ca.crt`,
    );
    const code = await ending.asked;
    ending.close();
    return code;
  } catch (reason) {
    logFatal(log, reason);
    return 1;
  }
}

const steps = {
  announced:
    "ca.crt holds the new root beside the old one. Once every runtime has read it, run this again: the new root issues then.",
  switched:
    "The new root issues from now on. Once every workload has renewed its certificate, run this again: the old root is trusted no more then.",
  finished: "The old root is gone from ca.crt.",
} as const;

function duration(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0)
    throw new Error(`--${flag} must be a duration such as 24h, not "${text}"`);
  return ms;
}
function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new Error(`--${flag} must be a port, not "${text}"`);
  return value;
}
