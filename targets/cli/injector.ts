import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Log } from "#core/ports/platform.ts";
import type { InjectorOptions } from "#k8s/injector/plan.ts";
import type { CertificateSource } from "#k8s/injector/certificates.ts";
import type { Cli } from "./cli.ts";
import { levelOf, logFatal, openLog, reasonText } from "./cli-log.ts";
import { listenForEnd } from "./ending.ts";
import { readInjectorFlags, type InjectorFlags, injectorFlags } from "./injector-flags.ts";

const help = `Usage:
  outrigger injector [flags]    Give annotated pods what they need to call Outrigger: the role of Dapr's injector

Flags:
  --port PORT                 Of the webhook, HTTPS: /mutate and /convert (default 8443)
  --health-port PORT          Of /healthz, /readyz and /metrics (default 8080)
  --service-name NAME         Service by which the API server calls (default outrigger-injector)
  --namespace NAME            Of that Service (default: environment POD_NAMESPACE)
  --webhook-name NAME         MutatingWebhookConfiguration that is given our authority (default outrigger-injector)
  --cert-dir DIR              Folder of tls.crt and tls.key, read again when they change; absent: own ones,
                              kept in the Secret outrigger-injector-cert
  --certificate-names A,B     More names and addresses that the own certificate is good for
  --endpoint node|URL         Where pods find the runtime: on their node, or http://service.namespace:port (default node)
  --grpc-endpoint URL         The same for gRPC, with an --endpoint that is a URL (default: its host, --grpc-port)
  --http-port PORT            Of the runtime on each node (default 3500)
  --grpc-port PORT            Of the runtime on each node (default 50001)
  --node-ports A,B            More ports of that runtime, which no app of the host's network can have: between nodes,
                              health, metrics (default 50002,3501,9090)
  --host-ip-family FAMILY     IPv4 or IPv6: how a node's address is written (default IPv4)
  --token-audience NAME       Of the service-account token in each pod (default outrigger)
  --sidecar-image IMAGE       For pods with outrigger.dev/mode: sidecar
  --sidecar-image-pull-policy POLICY
                              Always, IfNotPresent or Never
  --sentry-address ADDRESS    host:port of the certificate authority, for sidecars; absent: no mTLS
  --trust-anchors-file PATH   Roots that sidecars trust, with --sentry-address
  --trust-domain NAME         Of the certificate authority (default cluster.local)
  --kubeconfig PATH           Absent: the cluster that this process is in
  --log-level LEVEL           debug, info, warn or error (default info)
  --log-as-json
`;

const secretName = "outrigger-injector-cert";

/** `outrigger injector`; resolves with the exit code. */
export async function injector(args: readonly string[], cli: Cli): Promise<number> {
  let log = openLog({ level: "info", json: false, write: (line) => cli.out(`${line}\n`) });
  try {
    const { values } = parseArgs({ args: [...args], options: injectorFlags, strict: true });
    if (values.help) {
      cli.out(help);
      return 0;
    }
    const flags = readInjectorFlags(values, cli.env);
    log = openLog({
      level: levelOf(flags.logLevel),
      json: flags.logAsJson,
      write: (line) => cli.out(`${line}\n`),
    });
    const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
    try {
      const { serveInjector } = await import("#k8s/injector/serve.ts");
      await using certificates = await openCertificates(flags, cli, log);
      await using server = await serveInjector({
        port: flags.port,
        healthPort: flags.healthPort,
        certificates,
        log,
        options: optionsOf(flags),
        now: Date.now,
        random: randomBytes,
      });
      server.listening.then(
        () => log.info(`Webhook listening on port ${server.port}, health on ${server.healthPort}`),
        (reason: unknown) => {
          logFatal(log, reason);
          ending.ask(1);
        },
      );
      const code = await ending.asked;
      log.info("Ending; requests are answered until the cluster sends no more");
      return code;
    } finally {
      ending.close();
    }
  } catch (reason) {
    logFatal(log, reason);
    return 1;
  }
}

async function openCertificates(
  flags: InjectorFlags,
  cli: Cli,
  log: Log,
): Promise<CertificateSource> {
  if (flags.certDir !== "") {
    const { certificateFiles } = await import("#k8s/injector/certificate-files.ts");
    return certificateFiles({ folder: flags.certDir, log });
  }
  const [{ findAccess }, { openClient }, { ownCertificates }] = await Promise.all([
    import("#k8s/api/access.ts"),
    import("#k8s/api/open-client.ts"),
    import("#k8s/injector/certificates.ts"),
  ]);
  const access = await findAccess({ kubeconfig: flags.kubeconfig || undefined, env: cli.env });
  const kube = openClient(access);
  const { serviceName, webhookName } = flags;
  const namespace = flags.namespace || access.namespace;
  const places = { serviceName, webhookName, namespace };
  const source = ownCertificates({
    kube,
    log,
    secretName,
    places,
    names: flags.certificateNames,
  });
  return {
    ...source,
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await kube[Symbol.asyncDispose]();
    },
  };
}

function optionsOf(flags: InjectorFlags): InjectorOptions {
  const { httpPort, grpcPort, grpcEndpoint } = flags;
  return {
    endpoint: flags.endpoint,
    ...(grpcEndpoint === "" ? {} : { grpcEndpoint }),
    httpPort,
    grpcPort,
    nodePorts: flags.endpoint === "node" ? [httpPort, grpcPort, ...flags.nodePorts] : [],
    hostIpFamily: flags.hostIpFamily,
    tokenAudience: flags.tokenAudience,
    sidecar: {
      image: flags.sidecarImage,
      imagePullPolicy: flags.sidecarImagePullPolicy,
      controlPlaneNamespace: flags.namespace || "outrigger-system",
      trustDomain: flags.trustDomain,
      hasNodes: flags.endpoint === "node",
      sentryAddress: flags.sentryAddress,
      trustAnchors: () => readAnchors(flags.trustAnchorsFile),
    },
  };
}

/** Read for each sidecar: roots change, and sidecars are few. */
function readAnchors(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (reason) {
    throw new Error(`--trust-anchors-file cannot be read: ${reasonText(reason)}`, {
      cause: reason,
    });
  }
}
