import type { Pod } from "#k8s/api/objects.ts";
import type { PodReading } from "#k8s/pods/annotations.ts";
import type { Finding } from "#k8s/pods/read-annotations.ts";
import { outriggerAnnotations } from "#k8s/pods/settings.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { InjectorOptions } from "./plan.ts";
import { tokenFolder, tokenVolumeName } from "./shared.ts";

const mode = "outrigger.dev/mode";
/** With these an app says itself where the runtime is. */
const endpointNames: ReadonlySet<string> = new Set(["DAPR_HTTP_ENDPOINT", "DAPR_GRPC_ENDPOINT"]);
const mostContainers = 5;

interface PodPlace {
  readonly os?: { readonly name?: string };
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: ReadonlyArray<{ readonly name: string; readonly projected?: unknown }>;
}
type Container = NonNullable<NonNullable<Pod["spec"]>["containers"]>[number];

/** What stands in the way of injection in the pod's spec; annotations have been read before. */
export function podFindings(
  pod: Pod,
  { settings, values }: PodReading,
  options: InjectorOptions,
): { readonly faults: readonly Finding[]; readonly warnings: readonly Finding[] } {
  const spec = (pod.spec ?? {}) as PodPlace;
  const faults: Finding[] = [];
  const warnings: Finding[] = [];
  const sidecar = settings?.mode === "sidecar";
  if (sidecar && isWindows(spec))
    faults.push({
      annotation: mode,
      message: 'the sidecar needs a node of Linux, the pod one of Windows: write "shared"',
    });
  if (!sidecar && isWindows(spec) && options.endpoint === "node")
    warnings.push({
      annotation: mode,
      message: "nothing of Outrigger runs on nodes of Windows: calls need a Service as endpoint",
    });
  if (sidecar && options.sidecar.image === "" && !values.given("dapr.io/sidecar-image"))
    faults.push({
      annotation: "dapr.io/sidecar-image",
      message:
        'the injector knows no image for sidecars: write one, or outrigger.dev/mode "shared"',
    });
  if (sidecar) faults.push(...anchorFaults(options));
  // A projected volume is ours from an earlier look at this pod, or from the pod that this is a copy of.
  if (
    spec.volumes?.some(({ name, projected }) => name === tokenVolumeName && projected === undefined)
  )
    faults.push({
      annotation: "spec.volumes",
      message: `"${tokenVolumeName}" is the injector's name: rename the pod's own volume`,
    });
  // What an earlier look at this pod wrote is not news.
  const isAgain = pod.metadata.annotations?.[outriggerAnnotations.injected] !== undefined;
  if (!sidecar && !isAgain) warnings.push(...containerWarnings(spec));
  return { faults, warnings };
}

/** Without roots the sidecar would end at once. */
function anchorFaults({ sidecar }: InjectorOptions): readonly Finding[] {
  if (sidecar.sentryAddress === "") return [];
  try {
    if (sidecar.trustAnchors().includes("-----BEGIN CERTIFICATE-----")) return [];
    return [
      {
        annotation: mode,
        message:
          "a sidecar needs the roots of the authority, and there are none yet: is it running?",
      },
    ];
  } catch (reason) {
    return [
      {
        annotation: mode,
        message: `a sidecar needs the roots of the authority: ${messageOf(reason)}`,
      },
    ];
  }
}

function isWindows({ os, nodeSelector }: PodPlace): boolean {
  return os?.name === "windows" || nodeSelector?.["kubernetes.io/os"] === "windows";
}

/** What a container sets itself; said for the first few, since a pod may have a hundred. */
function containerWarnings(spec: PodPlace): readonly Finding[] {
  const warnings: Finding[] = [];
  for (const { name, env, volumeMounts } of [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
  ]) {
    const annotation = `container ${JSON.stringify(name)}`;
    for (const variable of env ?? []) {
      if (endpointNames.has(variable.name))
        warnings.push({ annotation, message: `it keeps its own ${variable.name}` });
      if (variable.name === "DAPR_API_TOKEN" && variable.valueFrom !== undefined)
        warnings.push({
          annotation,
          message: "its own DAPR_API_TOKEN is replaced by the pod's token",
        });
    }
    if (
      volumeMounts?.some(
        (mount) => mount.mountPath === tokenFolder && mount.name !== tokenVolumeName,
      )
    )
      warnings.push({ annotation, message: `it keeps its own mount at ${tokenFolder}` });
  }
  return warnings.slice(0, mostContainers);
}
