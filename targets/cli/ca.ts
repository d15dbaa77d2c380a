import { X509Certificate } from "node:crypto";
import { parseArgs } from "node:util";
import { createJwtVerifier } from "#core/identity/jwt.ts";
import type { Log } from "#core/ports/platform.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import type { AuthorityStore } from "#targets/ca/authority.ts";
import type { Validator } from "#targets/ca/validators.ts";
import { clock } from "#targets/node/clock.ts";
import type { Cli } from "./cli.ts";
import { type ClusterFlags, openCluster, storeIn, validatorIn } from "./ca-kubernetes.ts";
import { levelOf, logFatal, openLog } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";
import { duration, port } from "./flag-values.ts";

const help = `Usage:
  outrigger ca [flags]                Sign certificates for workloads, like dapr-sentry
  outrigger ca rotate-root [flags]    Take the next step to a new root certificate; run it once for each step
  outrigger ca status [flags]         Show the CA's certificates and when they expire

Flags:
  --issuer-credentials DIR      Folder with ca.crt, issuer.crt and issuer.key; they are created if the folder is empty
                                (default ./outrigger-ca)
  --trust-domain NAME           Trust domain of the CA (default localhost; with --kubernetes cluster.local)
  --control-plane-namespace NS  Namespace of the CA (default default; with --kubernetes POD_NAMESPACE or outrigger-system)
  --port PORT                   (default 50001)
  --listen-address ADDRESS      (default 127.0.0.1, because without --jwt-issuer the CA trusts every client; with
                                --kubernetes all addresses)
  --health-port PORT            Port for /healthz and /metrics (default none; with --kubernetes 8080)
  --workload-cert-ttl TIME      Lifetime of the certificates (default 24h)
  --allowed-clock-skew TIME     (default 15m)
  --jwt-issuer URL, --jwt-audience NAME, --jwks-url URL
                                Issuer, audience and keys of the JWTs that clients authenticate with; without them, the
                                CA trusts every client
  --log-level LEVEL, --log-as-json

On Kubernetes:
  --kubernetes                  Authenticate pods by their service account tokens, and keep the credentials in the Secret
                                outrigger-ca and the trusted roots also in the ConfigMap outrigger-trust-bundle
  --kubeconfig FILE             (default: the cluster that this pod runs in)
  --token-audience NAME         Accepted audience of tokens, in addition to
                                spiffe://<trust domain>/ns/<namespace>/dapr-sentry; can be repeated
  --node-service-account NAMESPACE/NAME
                                Service account whose pods get the certificates of apps on their own node; can be
                                repeated, "" for none (default outrigger-node in the control plane's namespace)
  --shared-service-account NAMESPACE/NAME=NS1,NS2
                                Service account whose pods get the certificates of apps in these namespaces, * for all;
                                can be repeated
`;

type Values = ReturnType<typeof parse>["values"];

/** `outrigger ca`; resolves with the exit code. */
export async function ca(args: readonly string[], cli: Cli): Promise<number> {
  const write = (line: string): void => cli.out(`${line}\n`);
  let log = openLog({ level: levelOf("info"), json: false, write });
  try {
    const { values, positionals } = parse(args);
    if (values.help) {
      cli.out(help);
      return 0;
    }
    const { "log-level": level, "log-as-json": json } = values;
    log = openLog({ level: levelOf(level), json, write });
    const { kubernetes } = values;
    if (kubernetes && values["jwt-issuer"] !== "")
      throw new Error("--kubernetes and --jwt-issuer cannot be used together");
    await using kube = kubernetes ? await openCluster(values.kubeconfig, cli.env) : undefined;
    const flags = clusterFlags(values, cli.env);
    const store = await storeOf(kube, values, flags, log);
    switch (positionals[0]) {
      case "rotate-root":
        cli.out(`${steps[await store.rotate()]}\n`);
        return 0;
      case "status":
        cli.out(await statusOf(store));
        return 0;
      case undefined:
        return await serve(
          store,
          await validatorOf(kube, values, flags, log),
          values,
          flags,
          cli,
          log,
        );
      default:
        throw new Error(`Unknown command "ca ${positionals[0]}"; see outrigger ca --help`);
    }
  } catch (reason) {
    logFatal(log, reason);
    return 1;
  }
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      "issuer-credentials": { type: "string", default: "./outrigger-ca" },
      "trust-domain": { type: "string", default: "" },
      "control-plane-namespace": { type: "string", default: "" },
      port: { type: "string", default: "50001" },
      "listen-address": { type: "string" },
      "health-port": { type: "string", default: "" },
      "workload-cert-ttl": { type: "string", default: "24h" },
      "allowed-clock-skew": { type: "string", default: "15m" },
      "jwt-issuer": { type: "string", default: "" },
      "jwt-audience": { type: "string", default: "" },
      "jwks-url": { type: "string", default: "" },
      "log-level": { type: "string", default: "info" },
      "log-as-json": { type: "boolean", default: false },
      kubernetes: { type: "boolean", default: false },
      kubeconfig: { type: "string", default: "" },
      "token-audience": { type: "string", multiple: true, default: [] as string[] },
      "node-service-account": { type: "string", multiple: true },
      "shared-service-account": { type: "string", multiple: true, default: [] as string[] },
    },
  });
}

/** Also used without a cluster, where it is the identity of the CA itself. */
function clusterFlags(
  values: Values,
  env: Readonly<Record<string, string | undefined>>,
): ClusterFlags {
  const { kubernetes } = values;
  const namespace =
    values["control-plane-namespace"] ||
    (kubernetes ? env["POD_NAMESPACE"] || "outrigger-system" : "default");
  return {
    trustDomain: values["trust-domain"] || (kubernetes ? "cluster.local" : "localhost"),
    namespace,
    tokenAudiences: values["token-audience"],
    nodeServiceAccounts: values["node-service-account"] ?? [`${namespace}/outrigger-node`],
    sharedServiceAccounts: values["shared-service-account"],
  };
}

async function storeOf(
  kube: KubeClient | undefined,
  values: Values,
  flags: ClusterFlags,
  log: Log,
): Promise<AuthorityStore> {
  if (kube) return storeIn(kube, flags, log);
  const { folderStore } = await import("#targets/ca/folder.ts");
  return folderStore(values["issuer-credentials"], flags.trustDomain);
}

async function validatorOf(
  kube: KubeClient | undefined,
  values: Values,
  flags: ClusterFlags,
  log: Log,
): Promise<Validator> {
  if (kube) return validatorIn(kube, flags);
  const { insecure, jwks } = await import("#targets/ca/validators.ts");
  const { "jwt-issuer": issuer, "jwt-audience": audience, "jwks-url": jwksUrl } = values;
  if (issuer === "") {
    log.warn(
      "No --jwt-issuer is set: any client that reaches the port gets a certificate for the identity that it requests",
    );
    return insecure;
  }
  if (audience === "") throw new Error("--jwt-issuer requires --jwt-audience");
  const jwt = { issuer, audience, ...(jwksUrl === "" ? {} : { jwksUrl }) };
  return jwks(createJwtVerifier(jwt, { clock, log, fetch: globalThis.fetch }));
}

async function serve(
  store: AuthorityStore,
  validator: Validator,
  values: Values,
  { trustDomain, namespace }: ClusterFlags,
  cli: Cli,
  log: Log,
): Promise<number> {
  const { serveCa } = await import("#targets/ca/serve-ca.ts");
  const { serveHealth } = await import("#targets/ca/health-port.ts");
  const address = values["listen-address"] ?? (values.kubernetes ? "" : "127.0.0.1");
  const given = values["health-port"] || (values.kubernetes ? "8080" : "");
  // Before anything listens, so that an invalid flag is reported immediately.
  const healthPort = given === "" ? undefined : port("health-port", given);
  const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
  await using server = await serveCa({
    port: port("port", values.port),
    address,
    store,
    trustDomain,
    namespace,
    workloadTtlMs: duration("workload-cert-ttl", values["workload-cert-ttl"]),
    clockSkewMs: duration("allowed-clock-skew", values["allowed-clock-skew"]),
    validator,
    log,
  });
  await using health =
    healthPort === undefined
      ? undefined
      : await serveHealth({ port: healthPort, address }, server.counts.exposition);
  log.info(
    `Certificate authority listening on port ${server.port}; trusted roots are in ${store.anchorsAt}`,
  );
  if (health) log.debug(`Health and metrics on port ${health.port}`);
  const code = await ending.asked;
  ending.close();
  return code;
}

async function statusOf(store: AuthorityStore): Promise<string> {
  const { splitPem } = await import("#targets/ca/authority.ts");
  const { anchors, issuer } = await store.open();
  const certificates = { issuer: [issuer.certificate], root: splitPem(anchors) };
  return Object.entries(certificates)
    .flatMap(([what, all]) =>
      all.map((pem) => {
        const { subject, validTo, fingerprint256 } = new X509Certificate(pem);
        return `${what}  ${subject.replaceAll("\n", " ")}  until ${validTo}  ${fingerprint256.slice(0, 23)}\n`;
      }),
    )
    .join("");
}

const steps = {
  announced:
    "ca.crt contains the new root and the old one. Wait until every runtime has read it, then run this command again to issue certificates with the new root.",
  switched:
    "The new root now issues certificates. Wait until every workload has renewed its certificate, then run this command again to remove the old root.",
  finished: "The old root has been removed from ca.crt.",
} as const;
