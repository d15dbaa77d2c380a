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
  outrigger injector [flags]    Inject what annotated pods need to call Outrigger, like Dapr's injector

Flags:
  --port PORT                 HTTPS port of the webhook: /mutate and /convert (default 8443)
  --health-port PORT          Port for /healthz, /readyz and /metrics (default 8080)
  --service-name NAME         Service through which the API server calls the webhook (default outrigger-injector)
  --namespace NAME            Namespace of that Service (default: environment POD_NAMESPACE)
  --webhook-name NAME         MutatingWebhookConfiguration whose caBundle is set (default outrigger-injector)
  --cert-dir DIR              Folder with tls.crt and tls.key, read again when they change; if not set, the injector
                              creates certificates and keeps them in the Secret outrigger-injector-cert
  --certificate-names A,B     Additional names and addresses in the created certificate
  --endpoint node|URL         Where pods find the runtime: on their node, or at http://service.namespace:port (default node)
  --grpc-endpoint URL         The same for gRPC, if --endpoint is a URL (default: its host with --grpc-port)
  --http-port PORT            HTTP port of the runtime on each node (default 3500)
  --grpc-port PORT            gRPC port of the runtime on each node (default 50001)
  --node-ports A,B            Other ports of that runtime, which apps on the host network cannot use: between nodes,
                              health, metrics (default 50002,3501,9090)
  --host-ip-family FAMILY     How the address of a node is written: IPv4 or IPv6 (default IPv4)
  --token-audience NAME       Audience of the service account token in each pod (default outrigger)
  --sidecar-image IMAGE       Image for pods with outrigger.dev/mode: sidecar
  --sidecar-image-pull-policy POLICY
                              Always, IfNotPresent or Never
  --sidecar-coordination WHERE
                              Where sidecars keep owners of actors, reminders and jobs if their environment does not
                              contain OUTRIGGER_COORDINATION: actor-state-store, or off (default actor-state-store)
  --sentry-address ADDRESS    host:port of the CA, for sidecars; if not set, there is no mTLS
  --trust-anchors-file PATH   File with the roots that sidecars trust, with --sentry-address
  --trust-domain NAME         Trust domain of the CA (default cluster.local)
  --kubeconfig PATH           If not set, the cluster that this process runs in
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
      log.info("Shutting down; answering requests until the cluster stops sending them");
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
      hasActors: flags.sidecarCoordination !== "off",
      sentryAddress: flags.sentryAddress,
      trustAnchors: () => readAnchors(flags.trustAnchorsFile),
    },
  };
}

/** Reads the file for each sidecar, because roots change and sidecars are few. */
function readAnchors(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (reason) {
    throw new Error(`Cannot read --trust-anchors-file: ${reasonText(reason)}`, {
      cause: reason,
    });
  }
}
