import { isRecord } from "#core/util/json.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { type PodReading, readSettings } from "#k8s/pods/annotations.ts";
import type { Finding } from "#k8s/pods/read-annotations.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";
import { leftOutWarnings, patchFor, type PatchOperation } from "./patch.ts";
import type { InjectionPlan, InjectorOptions } from "./plan.ts";
import { podFindings } from "./pod-findings.ts";
import { sharedPlan } from "./shared.ts";
import { sidecarName, sidecarPlan } from "./sidecar.ts";
import { keptToken, mintToken } from "./token.ts";

/** What a review needs beside the request; nothing of it is written to. */
export interface ReviewDeps {
  readonly options: InjectorOptions;
  /** Milliseconds since 1970. */
  now(): number;
  random(bytes: number): Uint8Array;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly patchType?: "JSONPatch";
  /** The operations as JSON, as base64. */
  readonly patch?: string;
  readonly warnings?: readonly string[];
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
}
export interface Reviewed {
  /** The `AdmissionReview` to answer with. */
  readonly body: {
    readonly apiVersion: "admission.k8s.io/v1";
    readonly kind: "AdmissionReview";
    readonly response: AdmissionResponse;
  };
  /** `untouched`: none of ours, or ours already. */
  readonly outcome: "injected" | "refused" | "untouched";
  /** As far as it is known; empty where it is not. */
  readonly appId: string;
  /** Of a refusal: the first annotation at fault. */
  readonly reason: string;
  /** For the log. */
  readonly pod: string;
}

/** The request is not an AdmissionReview that can be answered; for a status 400. */
export class MalformedReviewError extends Error {
  override readonly name = "MalformedReviewError";
}

const group = "admission.k8s.io/v1";
/** What kubectl shows of a warning, and how many fit. */
const mostWarningChars = 250;
const mostWarnings = 12;

/** Answers an AdmissionReview. Throws a `MalformedReviewError`. Changes nothing anywhere, so dry runs are like any other. */
export function reviewPod(review: unknown, deps: ReviewDeps): Reviewed {
  const request = requestOf(review);
  const { uid, object: pod } = request;
  if (!isOfPod(request)) return untouched(uid);
  if (!isPod(pod)) throw new MalformedReviewError("request.object is not a Pod");
  const namespace = pod.metadata.namespace ?? stringOf(request["namespace"]);
  const { options } = deps;
  const reading = readSettings(pod.metadata, {
    hostNetwork: pod.spec?.hostNetwork === true,
    nodePorts: options.nodePorts,
  });
  const name = `${namespace}/${pod.metadata.name ?? `${pod.metadata.generateName ?? ""}*`}`;
  if (!reading.enabled) return { ...untouched(uid, reading.warnings), pod: name };
  // No pod yet: the server refuses it, unless another webhook adds containers; then we are asked again.
  if ((pod.spec?.containers ?? []).length === 0) return { ...untouched(uid), pod: name };
  if (hasForeignSidecar(pod)) return { ...leftAlone(uid, pod, reading), pod: name };
  const found = podFindings(pod, reading, options);
  const faults = [...reading.faults, ...found.faults];
  const warnings = [...reading.warnings, ...found.warnings];
  const { settings } = reading;
  if (!settings || faults.length > 0)
    return { ...refused(uid, faults, warnings, name), appId: settings?.appId ?? "", pod: name };
  const planned = planFor(pod, reading, namespace, deps);
  const operations = patchFor(pod, planned.plan);
  const response = patched(uid, operations, [
    ...warnings,
    ...planned.warnings,
    ...leftOutWarnings(pod, planned.plan),
  ]);
  // API servers ask again when others have changed the pod in between; that is not a second injection.
  const outcome = operations.length === 0 ? "untouched" : "injected";
  return { ...reviewed(response), outcome, appId: settings.appId, pod: name };
}

function planFor(
  pod: Pod,
  { settings, values }: PodReading,
  namespace: string,
  { options, now, random }: ReviewDeps,
): { readonly plan: InjectionPlan; readonly warnings: readonly Finding[] } {
  if (!settings) throw new Error("A pod without settings is not injected");
  if (settings.mode === "sidecar")
    return sidecarPlan({
      pod,
      settings,
      values,
      namespace,
      tokenAudience: options.tokenAudience,
      options: options.sidecar,
    });
  const token = keptToken(pod, now()) ?? mintToken(now(), random);
  return { plan: sharedPlan(settings, token, options), warnings: [] };
}

/** A container of the sidecar's name that is not ours: Dapr's injector was here, or the author wants it so. */
function hasForeignSidecar({ metadata, spec }: Pod): boolean {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return (
    all.some(({ name }) => name === sidecarName) &&
    metadata.annotations?.[outriggerAnnotations.injected] !== "sidecar"
  );
}

/** Only what the injector alone may write is taken away: a runtime would believe it. */
function leftAlone(uid: string, pod: Pod, { warnings, settings }: PodReading): Reviewed {
  const operations = patchFor(pod, {
    labels: {},
    annotations: {
      [outriggerAnnotations.tokenHash]: undefined,
      [outriggerAnnotations.injected]: undefined,
    },
    container: () => undefined,
    volumes: [],
  });
  const warning = {
    annotation: "dapr.io/enabled",
    message: `the pod has a container "${sidecarName}" already and is left as it is`,
  };
  return {
    ...reviewed(patched(uid, operations, [...warnings, warning])),
    appId: settings?.appId ?? "",
  };
}

function untouched(uid: string, warnings: readonly Finding[] = []): Reviewed {
  return reviewed({ uid, allowed: true, ...warningsOf(warnings) });
}

function refused(
  uid: string,
  faults: readonly Finding[],
  warnings: readonly Finding[],
  name: string,
): Reviewed {
  const message = `Outrigger cannot serve pod ${name}: ${faults.map(findingText).join("; ")}`;
  return {
    ...reviewed({
      uid,
      allowed: false,
      status: { code: 422, reason: "Invalid", message },
      ...warningsOf(warnings),
    }),
    outcome: "refused",
    reason: faults[0]?.annotation ?? "",
  };
}

function patched(
  uid: string,
  operations: readonly PatchOperation[],
  warnings: readonly Finding[],
): AdmissionResponse {
  const patch = Buffer.from(JSON.stringify(operations)).toString("base64");
  return {
    uid,
    allowed: true,
    ...(operations.length === 0 ? {} : { patchType: "JSONPatch", patch }),
    ...warningsOf(warnings),
  };
}

function reviewed(response: AdmissionResponse): Reviewed {
  return {
    body: { apiVersion: group, kind: "AdmissionReview", response },
    outcome: "untouched",
    appId: "",
    reason: "",
    pod: "",
  };
}

function warningsOf(findings: readonly Finding[]): { readonly warnings?: readonly string[] } {
  if (findings.length === 0) return {};
  const texts = findings.slice(0, mostWarnings).map((finding) => {
    const text = findingText(finding);
    return text.length > mostWarningChars ? `${text.slice(0, mostWarningChars)}…` : text;
  });
  if (findings.length > mostWarnings)
    texts.push(`and ${findings.length - mostWarnings} more about this pod`);
  return { warnings: texts };
}
function findingText({ annotation, message }: Finding): string {
  return `${annotation}: ${message}`;
}

interface Request extends Record<string, unknown> {
  readonly uid: string;
  readonly object?: unknown;
}

function requestOf(review: unknown): Request {
  if (!isRecord(review) || review["kind"] !== "AdmissionReview")
    throw new MalformedReviewError("The body is not an AdmissionReview");
  if (review["apiVersion"] !== group)
    throw new MalformedReviewError(`The AdmissionReview must be of ${group}`);
  const request = review["request"];
  if (!isRecord(request) || typeof request["uid"] !== "string" || request["uid"] === "")
    throw new MalformedReviewError("The AdmissionReview has no request with a uid");
  return { ...request, uid: request["uid"] };
}

/** The making of a pod, and not of a part of one (`ephemeralcontainers`, `binding`). */
function isOfPod(request: Request): boolean {
  const resource = request["resource"];
  return (
    request["operation"] === "CREATE" &&
    isRecord(resource) &&
    resource["resource"] === "pods" &&
    stringOf(resource["group"]) === "" &&
    stringOf(request["subResource"]) === ""
  );
}

/** So much of its shape as is relied on. */
function isPod(object: unknown): object is Pod {
  if (!isRecord(object) || !isRecord(object["metadata"])) return false;
  const { annotations, labels, ownerReferences } = object["metadata"];
  if (!isTextMap(annotations) || !isTextMap(labels)) return false;
  if (ownerReferences !== undefined && !isRecords(ownerReferences)) return false;
  const spec = object["spec"];
  if (!isRecord(spec)) return spec === undefined;
  const containers = [spec["containers"] ?? [], spec["initContainers"] ?? []];
  return isRecords(spec["volumes"] ?? []) && containers.every(isContainers);
}
function isContainers(list: unknown): boolean {
  return (
    isRecords(list) &&
    list.every(
      (container) =>
        typeof container["name"] === "string" &&
        isRecords(container["env"] ?? []) &&
        isRecords(container["volumeMounts"] ?? []),
    )
  );
}
function isRecords(list: unknown): list is ReadonlyArray<Record<string, unknown>> {
  return Array.isArray(list) && list.every(isRecord);
}
function isTextMap(map: unknown): boolean {
  return (
    map === undefined ||
    (isRecord(map) && Object.values(map).every((value) => typeof value === "string"))
  );
}
function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
