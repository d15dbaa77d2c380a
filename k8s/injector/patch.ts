import { isDeepStrictEqual } from "node:util";
import type { Container, EnvVar, Pod } from "#k8s/api/objects.ts";
import type { Finding } from "#k8s/pods/read-annotations.ts";
import type { ContainerPlan, InjectionPlan } from "./plan.ts";

/** RFC 6902; `add` of a member that is there replaces it. */
export interface PatchOperation {
  readonly op: "add" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

/** What is missing of the plan in the pod; empty when nothing is. */
export function patchFor(pod: Pod, plan: InjectionPlan): readonly PatchOperation[] {
  const { metadata, spec } = pod;
  return [
    ...mapPatch("/metadata/labels", metadata.labels, plan.labels),
    ...mapPatch("/metadata/annotations", metadata.annotations, plan.annotations),
    ...volumesPatch(pod, plan),
    ...containersPatch("/spec/containers", spec?.containers, (name) => plan.container(name, false)),
    ...containersPatch("/spec/initContainers", spec?.initContainers, (name) =>
      plan.container(name, true),
    ),
    ...sidecarPatch(pod, plan),
  ];
}

function mapPatch(
  path: string,
  has: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string | undefined>>,
): readonly PatchOperation[] {
  const changes = Object.entries(wanted).filter(([name, value]) => has?.[name] !== value);
  if (!has) {
    const added = changes.filter(([, value]) => value !== undefined);
    return added.length === 0 ? [] : [{ op: "add", path, value: Object.fromEntries(added) }];
  }
  return changes.map(([name, value]) =>
    value === undefined
      ? { op: "remove", path: `${path}/${escaped(name)}` }
      : { op: "add", path: `${path}/${escaped(name)}`, value },
  );
}
function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function volumesPatch({ spec }: Pod, { volumes }: InjectionPlan): readonly PatchOperation[] {
  const has = spec?.volumes;
  const missing = volumes.filter(({ name }) => !has?.some((volume) => volume.name === name));
  return appended("/spec/volumes", has, missing);
}

function containersPatch(
  path: string,
  containers: readonly Container[] | undefined,
  planOf: (name: string) => ContainerPlan | undefined,
): readonly PatchOperation[] {
  return (containers ?? []).flatMap((container, i) => {
    const plan = planOf(container.name);
    if (!plan) return [];
    const at = `${path}/${i}`;
    const env = mergedEnv(container, plan);
    return [
      ...(env ? [{ op: "add", path: `${at}/env`, value: env } as const] : []),
      ...mountsPatch(`${at}/volumeMounts`, container, plan),
    ];
  });
}

/** What containers do not get of the plan, and why. */
export function leftOutWarnings({ spec }: Pod, plan: InjectionPlan): readonly Finding[] {
  const warningsOf = (containers: readonly Container[] | undefined, isInit: boolean) =>
    (containers ?? []).flatMap((container): readonly Finding[] => {
      const planned = plan.container(container.name, isInit);
      const names = planned ? leftOut(container, planned) : [];
      if (names.length === 0) return [];
      return [
        {
          annotation: `container ${JSON.stringify(container.name)}`,
          message: `its envFrom may set ${names.join(", ")}: the injector's are left out`,
        },
      ];
    });
  return [...warningsOf(spec?.initContainers, true), ...warningsOf(spec?.containers, false)];
}

const ownNames = /^(?:DAPR|OUTRIGGER)_/;

/**
 * Names of variables that a container with `envFrom` goes without: `env` wins over `envFrom`, whose ConfigMap may
 * well have a `NAMESPACE`. What another variable refers to stays: `$(NAME)` does not find what is of `envFrom`.
 */
function leftOut(container: Container, { env }: ContainerPlan): readonly string[] {
  const { envFrom } = container as { readonly envFrom?: unknown };
  if (!Array.isArray(envFrom) || envFrom.length === 0) return [];
  const has = container.env ?? [];
  return env
    .map(({ name }) => name)
    .filter(
      (name) =>
        !ownNames.test(name) &&
        !has.some((each) => each.name === name) &&
        !isNeeded(name, [...env, ...has]),
    );
}

/** The variables with ours before them; `undefined` when ours are there. */
function mergedEnv(container: Container, plan: ContainerPlan): readonly EnvVar[] | undefined {
  const { env: has = [] } = container;
  const { env, forced } = plan;
  const without = leftOut(container, plan);
  const stays = has.filter(
    (each) =>
      !forced.has(each.name) || env.some((ours) => isDeepStrictEqual({ ...ours }, { ...each })),
  );
  const missing = env.filter(
    ({ name }) => !without.includes(name) && !stays.some((each) => each.name === name),
  );
  if (missing.length === 0 && stays.length === has.length) return undefined;
  // `$(NAME)` finds only what stands before it: ours go first, so that a container's own may use them, but after
  // what ours need where the container has that already.
  const after = stays.findLastIndex((each) => isNeeded(each.name, missing));
  return stays.toSpliced(after + 1, 0, ...missing);
}
function isNeeded(name: string, by: readonly EnvVar[]): boolean {
  return by.some(({ value }) => value?.includes(`$(${name})`));
}

function mountsPatch(
  path: string,
  { volumeMounts }: Container,
  { mounts }: ContainerPlan,
): readonly PatchOperation[] {
  const missing = mounts.filter(
    ({ mountPath }) => !volumeMounts?.some((mount) => mount.mountPath === mountPath),
  );
  return appended(path, volumeMounts, missing);
}

function sidecarPatch({ spec }: Pod, { sidecar }: InjectionPlan): readonly PatchOperation[] {
  if (!sidecar || spec?.initContainers?.some(({ name }) => name === sidecar.name)) return [];
  return appended("/spec/initContainers", spec?.initContainers, [sidecar]);
}

function appended(
  path: string,
  has: readonly unknown[] | undefined,
  missing: readonly unknown[],
): readonly PatchOperation[] {
  if (missing.length === 0) return [];
  if (!has) return [{ op: "add", path, value: missing }];
  return missing.map((value) => ({ op: "add", path: `${path}/-`, value }));
}
