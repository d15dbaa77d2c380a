import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Cli } from "./cli.ts";
import { levelOf, logFatal, openLog } from "./cli-log.ts";
import { idleFlags } from "#targets/node/memory/optimize.ts";
import { coordinationChoice, defaultGroup } from "./coordination-flags.ts";
import { listenForEnd } from "./ending.ts";
import { UsageError } from "./flags.ts";
import { list, oneOf, port, wholeNumber } from "./flag-values.ts";
import type { GroupProgram } from "#targets/kubernetes/supervisor/group-process.ts";
import type { NodeRuntimeOptions } from "#targets/kubernetes/supervisor/options.ts";

const help = `Usage:
  outrigger node [flags]        Run one runtime for the annotated pods of a Kubernetes node, or of namespaces

Flags:
  --node-name NAME              Node whose pods are served (default: environment NODE_NAME)
  --scope WHAT                  node, namespace (those in --namespaces) or cluster (default node)
  --namespaces A,B              Namespaces for --scope namespace
  --host-ip ADDRESS             Address to listen on (default: environment HOST_IP, or all addresses)
  --http-port PORT              (default 3500)
  --grpc-port PORT              (default 50001)
  --internal-port PORT          Port for calls between nodes, over mTLS; requires --sentry-address (default 50002)
  --health-port PORT            Port for /healthz and /readyz (default 3501)
  --metrics-port PORT           (default 9090)
  --isolation HOW               namespace: one process for each namespace; shared: one for all (default namespace)
  --token-audience NAME         Audience of projected service account tokens (default outrigger)
  --check-source-ip BOOL        Whether a pod's token is valid only from the pod's address (default true)
  --sentry-address HOST:PORT    Address of the CA; without it, apps on other nodes cannot be called
  --trust-domain NAME           Trust domain of the CA (default cluster.local)
  --control-plane-namespace NS  Namespace of the CA (default outrigger-system)
  --coordination DRIVER:CONNECTION
                                Database that keeps owners of actors, reminders and jobs, such as redis:HOST:PORT or
                                redis://USER:PASSWORD@HOST:PORT; or off (default: environment OUTRIGGER_COORDINATION,
                                or the actor state store of each app)
  --versions-dir DIR            Folder with older versions that namespaces can be pinned to
  --kubeconfig PATH             For running outside of a cluster
  --drain-seconds N             Time for calls in flight when the process ends (default 30)
  --log-level LEVEL, --log-as-json
`;

/**
 * A group's process is started with its heap bounds. Other processes set theirs while they run
 * (targets/node/memory/bound-heap.ts).
 */
function heapFlags(env: Cli["env"]): readonly string[] {
  const heapMb = /^\d+$/.test(env["OUTRIGGER_MAX_HEAP_MB"] ?? "")
    ? env["OUTRIGGER_MAX_HEAP_MB"]
    : "1024";
  return ["--max-semi-space-size=8", `--max-old-space-size=${heapMb}`, "--expose-gc"];
}

/**
 * How long a deleted pod of a DaemonSet waits for its successor, which starts immediately. Within
 * the time that the chart grants beyond the drain period.
 */
const successorMs = 10_000;
/** A Service keeps sending connections until every node has learned that the pod is ending. */
const lingerMs = 5000;

/** `outrigger node`; resolves with the exit code. */
export async function node(args: readonly string[], cli: Cli): Promise<number> {
  let log = openLog({ level: levelOf("info"), json: false, write: (line) => cli.out(`${line}\n`) });
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h", default: false },
        "node-name": { type: "string", default: cli.env["NODE_NAME"] ?? "" },
        scope: { type: "string", default: "node" },
        namespaces: { type: "string", default: "" },
        "host-ip": { type: "string", default: cli.env["HOST_IP"] ?? "" },
        "http-port": { type: "string", default: "3500" },
        "grpc-port": { type: "string", default: "50001" },
        "internal-port": { type: "string", default: "50002" },
        "health-port": { type: "string", default: "3501" },
        "metrics-port": { type: "string", default: "9090" },
        isolation: { type: "string", default: "namespace" },
        "token-audience": { type: "string", default: "outrigger" },
        "check-source-ip": { type: "string", default: "true" },
        "sentry-address": { type: "string", default: "" },
        "trust-domain": { type: "string", default: "cluster.local" },
        "control-plane-namespace": { type: "string", default: "outrigger-system" },
        coordination: { type: "string", default: "" },
        "versions-dir": { type: "string", default: "" },
        kubeconfig: { type: "string" },
        "drain-seconds": { type: "string", default: "30" },
        "log-level": { type: "string", default: "info" },
        "log-as-json": { type: "boolean", default: false },
      },
    });
    if (values.help) {
      cli.out(help);
      return 0;
    }
    log = openLog({
      level: levelOf(values["log-level"]),
      json: values["log-as-json"],
      write: (line) => cli.out(`${line}\n`),
    });
    const { findAccess } = await import("#k8s/api/access.ts");
    const { openClient } = await import("#k8s/api/open-client.ts");
    const { startNodeRuntime } = await import("#targets/kubernetes/supervisor/supervisor.ts");
    const hasCa = values["sentry-address"] !== "";
    const portOf = (name: PortFlag): number => port(name, values[name]);
    const options: Omit<NodeRuntimeOptions, "client"> = {
      log,
      env: cli.env,
      scope: scopeOf(values.scope, values["node-name"], values.namespaces),
      hostIp: values["host-ip"],
      ports: {
        http: portOf("http-port"),
        grpc: portOf("grpc-port"),
        internal: hasCa ? portOf("internal-port") : undefined,
        health: portOf("health-port"),
        metrics: portOf("metrics-port"),
      },
      isolation: oneOf("isolation", values.isolation, ["namespace", "shared"]),
      tokenAudience: values["token-audience"],
      checkSourceIp:
        oneOf("check-source-ip", values["check-source-ip"], ["true", "false"]) === "true",
      ...(hasCa
        ? {
            mtls: {
              sentryAddress: values["sentry-address"],
              trustDomain: values["trust-domain"],
              controlPlaneNamespace: values["control-plane-namespace"],
            },
          }
        : {}),
      ...coordinationOf(values.coordination, values["host-ip"], cli.env),
      instance: values["node-name"] || (cli.env["POD_NAME"] ?? hostname()),
      drainMs: wholeNumber("drain-seconds", values["drain-seconds"], 3600) * 1000,
      // Behind a Service, other replicas serve in the meantime.
      ...(values.scope === "node" ? { successorMs } : { lingerMs }),
      logLevel: values["log-level"],
      logAsJson: values["log-as-json"],
      program: (version) => programOf(version, values["versions-dir"], heapFlags(cli.env)),
    };
    const access = await findAccess({ kubeconfig: values.kubeconfig, env: cli.env });
    const ending = listenForEnd(cli, ["SIGINT", "SIGTERM"]);
    const { collectWhenIdle } = await import("#targets/node/memory/idle-gc.ts");
    const { clock } = await import("#targets/node/clock.ts");
    collectWhenIdle(clock);
    const running = await startNodeRuntime({ ...options, client: openClient(access) });
    const failed = running.ready.then(
      () => new Promise<never>(() => {}),
      (reason: unknown) => {
        logFatal(log, reason);
        return 1;
      },
    );
    const code = await Promise.race([ending.asked, failed]);
    log.info("Shutting down; new connections go to the next process");
    await running.stop();
    ending.close();
    return code;
  } catch (reason) {
    logFatal(log, reason);
    return 1;
  }
}

type PortFlag = "http-port" | "grpc-port" | "internal-port" | "health-port" | "metrics-port";

function scopeOf(scope: string, nodeName: string, namespaces: string): NodeRuntimeOptions["scope"] {
  const named = list(namespaces);
  switch (oneOf("scope", scope, ["node", "namespace", "cluster"])) {
    case "node":
      if (nodeName === "")
        throw new Error(
          "--node-name is missing: set it, or set NODE_NAME from the field spec.nodeName",
        );
      return { node: nodeName };
    case "namespace":
      if (named.length === 0) throw new Error("--scope namespace requires --namespaces");
      return { namespaces: named };
    case "cluster":
      return { namespaces: [] };
  }
}

/** What is on the disk or in the memory of one node does not tell the others anything. */
const ofOneNode: ReadonlySet<string> = new Set(["coordination.sqlite", "coordination.in-memory"]);

function coordinationOf(
  text: string,
  hostIp: string,
  env: Cli["env"],
): Pick<NodeRuntimeOptions, "coordination"> {
  const driver = coordinationChoice(text, env);
  if (driver === "off") return {};
  if (driver && ofOneNode.has(driver.type))
    throw new UsageError(
      `${driver.type} is not supported here, because nodes do not share it; use a database that all nodes reach, such as redis:HOST:PORT`,
    );
  const host = hostIp || (env["POD_IP"] ?? "");
  return { coordination: { group: defaultGroup, host, ...(driver ? { driver } : {}) } };
}

/** Our own program as a group, or that of an older version if it is available. */
function programOf(
  version: string,
  versionsDir: string,
  flags: readonly string[],
): GroupProgram | undefined {
  const own = process.argv[1] as string;
  const args = ["node-group"];
  if (version === "")
    return {
      path: own,
      args,
      execArgv: [...(own.endsWith(".ts") ? process.execArgv : []), ...flags, ...idleFlags],
    };
  const path = join(versionsDir, version, "bin/outrigger.mjs");
  if (versionsDir === "" || !/^[\w.-]+$/.test(version) || !existsSync(path)) return undefined;
  return { path, args, execArgv: flags };
}
