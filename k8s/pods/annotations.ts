import type { ObjectMeta } from "#k8s/api/objects.ts";
import { findAppId, type FoundAppId, isAppId, mostAppIdChars } from "./app-id.ts";
import {
  type AnnotationValues,
  type Finding,
  type Findings,
  quoted,
  readAnnotations,
  warnOfNames,
} from "./read-annotations.ts";
import type { PodSettings } from "./settings.ts";

/** What matters of a pod beside its metadata. */
export interface PodFacts {
  readonly hostNetwork?: boolean;
  /** Ports of the runtime on the node, which no app of the host's network can have. */
  readonly nodePorts?: readonly number[];
}

export interface PodReading {
  /** `dapr.io/enabled`. */
  readonly enabled: boolean;
  /** Absent where the pod is not enabled, and where there are faults. */
  readonly settings?: PodSettings;
  /** Why the pod cannot be served; empty where it is not enabled. */
  readonly faults: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** All annotations of the table, for what `settings` does not hold. */
  readonly values: AnnotationValues;
}

/** Reads the annotations of a pod, or of a template of pods. Pure: the same at admission and later. */
export function readSettings(metadata: ObjectMeta, facts: PodFacts = {}): PodReading {
  const annotations = metadata.annotations ?? {};
  const findings: Findings = { faults: [], warnings: [] };
  const values = readAnnotations(annotations, findings);
  const enabled = values.boolean("dapr.io/enabled");
  warnOfSwitch(annotations, enabled, findings);
  if (!enabled) return { enabled, faults: [], warnings: findings.warnings, values };
  const appId = appIdOf(metadata, findings);
  const mode = values.text("outrigger.dev/mode") === "sidecar" ? "sidecar" : "shared";
  warnOfNames(annotations, mode, findings);
  checkPlace(values, mode, facts, findings);
  const health = healthOf(values, findings);
  const { faults, warnings } = findings;
  if (appId === undefined || faults.length > 0) return { enabled, faults, warnings, values };
  const appPort = values.number("dapr.io/app-port");
  const settings: PodSettings = {
    appId,
    ...(appPort === undefined ? {} : { appPort }),
    appProtocol: protocolOf(values, findings),
    appMaxConcurrency: positiveOr(values.number("dapr.io/app-max-concurrency"), -1),
    config: values.text("dapr.io/config"),
    ...(health ? { health } : {}),
    maxBodyBytes: maxBodyOf(values),
    ...(values.given("dapr.io/enable-api-logging")
      ? { apiLogging: values.boolean("dapr.io/enable-api-logging") }
      : {}),
    enableMetrics: values.boolean("dapr.io/enable-metrics"),
    bindingProbeMs: positiveOr(values.number("dapr.io/app-binding-options-timeout"), 3000),
    disableInitEndpoints: values.list(
      "dapr.io/disable-init-endpoints",
    ) as PodSettings["disableInitEndpoints"],
    disableBuiltinSecretStore: values.boolean("dapr.io/disable-builtin-k8s-secret-store"),
    gracefulShutdownMs: gracefulOf(values),
    blockShutdownMs: Math.max(0, values.number("dapr.io/block-shutdown-duration") ?? 0),
    apiTokenSecret: values.text("dapr.io/api-token-secret"),
    appTokenSecret: values.text("dapr.io/app-token-secret"),
    mode,
    isolation: values.text("outrigger.dev/isolation") === "dedicated" ? "dedicated" : "default",
  };
  return { enabled, settings, faults, warnings, values };
}

/** Somebody who wrote the switch, or nearly, wanted something; the pod starts without it. */
function warnOfSwitch(
  annotations: Readonly<Record<string, string>>,
  enabled: boolean,
  findings: Findings,
): void {
  if (enabled) return;
  const text = annotations["dapr.io/enabled"];
  if (text === undefined) {
    if (annotations["dapr.io/app-id"] !== undefined)
      findings.warnings.push({
        annotation: "dapr.io/app-id",
        message: 'it has no effect without dapr.io/enabled: "true"',
      });
  } else if (!/^\s*(?:n|no|false|f|off|0)?\s*$/i.test(text))
    findings.warnings.push({
      annotation: "dapr.io/enabled",
      message: `${quoted(text)} is read as no: write "true" or "false"`,
    });
}

function appIdOf(metadata: ObjectMeta, { faults, warnings }: Findings): string | undefined {
  const annotation = "dapr.io/app-id";
  const found = findAppId(metadata);
  if (!found) {
    faults.push({ annotation, message: "it is missing, and the pod has no name: write an app id" });
    return undefined;
  }
  const { appId } = found;
  if (!isAppId(appId)) {
    const rule = `at most ${mostAppIdChars} of a-z, 0-9 and "-", a letter or digit first and last`;
    faults.push({
      annotation,
      message:
        found.from === "annotation"
          ? `${quoted(appId)} is not an app id: write ${rule}`
          : `it is missing, and ${quoted(appId)}, the name of the ${sourceOf(found)}, is not an app id: write ${rule}`,
    });
    return undefined;
  }
  if (found.from !== "annotation")
    warnings.push({
      annotation,
      message: `it is missing: the app id is ${quoted(appId)}, after the ${sourceOf(found)}`,
    });
  return appId;
}
function sourceOf({ owner }: FoundAppId): string {
  return owner ? `${owner.kind} ${quoted(owner.name)}` : "pod";
}

/** Ports and processes that the pod cannot have where it wants to run. */
function checkPlace(
  values: AnnotationValues,
  mode: "shared" | "sidecar",
  { hostNetwork = false, nodePorts = [] }: PodFacts,
  { faults }: Findings,
): void {
  const appPort = values.number("dapr.io/app-port");
  const taken = [
    ...(hostNetwork ? nodePorts.map((port) => [port, "the node's runtime"] as const) : []),
    ...(mode === "sidecar" ? sidecarPorts(values) : []),
  ].find(([port]) => port === appPort);
  if (taken)
    faults.push({
      annotation: "dapr.io/app-port",
      message: `port ${taken[0]} belongs to ${taken[1]}: let the app listen on another`,
    });
  if (!hostNetwork) return;
  if (mode === "sidecar")
    faults.push({
      annotation: "outrigger.dev/mode",
      message:
        "a sidecar in the host's network would take the ports of the node's runtime: write \"shared\", or no hostNetwork",
    });
  if (values.text("outrigger.dev/isolation") === "dedicated")
    faults.push({
      annotation: "outrigger.dev/isolation",
      message:
        'pods of the host\'s network cannot be told apart by address and share one process: write "default", or no hostNetwork',
    });
}

/** The ports of a sidecar, with what to call them. */
function sidecarPorts(values: AnnotationValues): ReadonlyArray<readonly [number, string]> {
  const named = ["grpc-port", "internal-grpc-port", "metrics-port"].map(
    (name) => [values.number(`dapr.io/${name}`) ?? 0, `dapr.io/${name}`] as const,
  );
  return [[3500, "the sidecar's HTTP API"], [3501, "the sidecar's health"], ...named];
}

/** Dapr: what is 0 or less is the default. */
function healthOf(values: AnnotationValues, { faults }: Findings): PodSettings["health"] {
  if (!values.boolean("dapr.io/enable-app-health-check")) return undefined;
  const positive = (name: string, otherwise: number): number =>
    positiveOr(values.number(`dapr.io/${name}`), otherwise);
  const intervalMs = positive("app-health-probe-interval", 5) * 1000;
  const timeoutMs = positive("app-health-probe-timeout", 500);
  if (timeoutMs > intervalMs)
    faults.push({
      annotation: "dapr.io/app-health-probe-timeout",
      message: `${timeoutMs} (milliseconds) is longer than dapr.io/app-health-probe-interval (${intervalMs / 1000} seconds): write at most ${intervalMs}`,
    });
  const path = values.text("dapr.io/app-health-check-path");
  return {
    path: path.startsWith("/") ? path : `/${path}`,
    intervalMs,
    timeoutMs,
    threshold: positive("app-health-threshold", 3),
  };
}

function protocolOf(values: AnnotationValues, { warnings }: Findings): PodSettings["appProtocol"] {
  const protocol = values.text("dapr.io/app-protocol") as PodSettings["appProtocol"];
  if (!values.boolean("dapr.io/app-ssl") || (protocol !== "http" && protocol !== "grpc"))
    return protocol;
  const secure = protocol === "http" ? "https" : "grpcs";
  warnings.push({
    annotation: "dapr.io/app-ssl",
    message: `it is an old spelling: write dapr.io/app-protocol: "${secure}"`,
  });
  return secure;
}

/** Dapr: a size of 0 or less is not a limit; only -1 is the default. */
function maxBodyOf(values: AnnotationValues): number {
  const old = values.number("dapr.io/http-max-request-size");
  const bytes =
    old === undefined || old === -1 || values.given("dapr.io/max-body-size")
      ? (values.number("dapr.io/max-body-size") ?? 0)
      : old * 1024 * 1024;
  return bytes > 0 ? bytes : Number.MAX_SAFE_INTEGER;
}

function gracefulOf(values: AnnotationValues): number {
  const seconds = values.number("dapr.io/graceful-shutdown-seconds") ?? -1;
  return seconds < 0 ? 5000 : seconds * 1000;
}
function positiveOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 ? value : otherwise;
}
