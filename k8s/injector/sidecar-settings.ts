import type { EnvVar, Pod, VolumeMount } from "#k8s/api/objects.ts";
import type { AnnotationValues, Finding } from "#k8s/pods/read-annotations.ts";

/** The annotations that hold lists of their own grammar, for the sidecar's container. */
export interface SidecarLists {
  /** `dapr.io/env` and `dapr.io/env-from-secret`. */
  readonly env: readonly EnvVar[];
  /** `dapr.io/volume-mounts` and `…-rw`, of volumes that the pod has. */
  readonly mounts: readonly VolumeMount[];
  readonly warnings: readonly Finding[];
}

export function readLists(values: AnnotationValues, pod: Pod): SidecarLists {
  const warnings: Finding[] = [];
  return {
    env: [
      ...pairs("dapr.io/env", values, warnings).map(([name, value]) => ({ name, value })),
      ...pairs("dapr.io/env-from-secret", values, warnings).flatMap(([name, value]) =>
        secretEnv(name, value, warnings),
      ),
    ],
    mounts: [
      ...mountsOf("dapr.io/volume-mounts", true, values, pod, warnings),
      ...mountsOf("dapr.io/volume-mounts-rw", false, values, pod, warnings),
    ],
    warnings,
  };
}

/** `A=1,B=x,y,C=3`: a comma parts two only where a name and `=` follow, as in Dapr. */
function pairs(
  annotation: string,
  values: AnnotationValues,
  warnings: Finding[],
): ReadonlyArray<readonly [name: string, value: string]> {
  const text = values.text(annotation);
  if (text === "") return [];
  return text.split(/,\s*(?=[A-Za-z_][A-Za-z0-9_]*=)/).flatMap((part) => {
    const [name = "", ...rest] = part.trim().split("=");
    if (rest.length > 0 && /^[-._A-Za-z][-._A-Za-z0-9]*$/.test(name))
      return [[name, rest.join("=")] as const];
    warnings.push({
      annotation,
      message: `${JSON.stringify(part.slice(0, 64))} is left out: write NAME=value, with commas between`,
    });
    return [];
  });
}

/** `secret` or `secret:key`; the key is the secret's name where there is none, as in Dapr. */
function secretEnv(name: string, value: string, warnings: Finding[]): readonly EnvVar[] {
  const parts = value.split(":").map((part) => part.trim());
  const [secret = "", key = secret] = parts;
  if (secret !== "" && key !== "" && parts.length <= 2)
    return [{ name, valueFrom: { secretKeyRef: { name: secret, key } } }];
  warnings.push({
    annotation: "dapr.io/env-from-secret",
    message: `${name} is left out: write ${name}=secret or ${name}=secret:key`,
  });
  return [];
}

/** `volume:/path,volume2:/path2`. */
function mountsOf(
  annotation: string,
  readOnly: boolean,
  values: AnnotationValues,
  { spec }: Pod,
  warnings: Finding[],
): readonly VolumeMount[] {
  const skip = (message: string): readonly VolumeMount[] => {
    warnings.push({ annotation, message });
    return [];
  };
  return values
    .text(annotation)
    .split(",")
    .flatMap((text) => {
      const part = text.trim();
      if (part === "") return [];
      const [name = "", mountPath = "", ...rest] = part.split(":");
      if (name === "" || mountPath === "" || rest.length > 0)
        return skip(`${JSON.stringify(part.slice(0, 64))} is left out: write volume:/path`);
      if (!spec?.volumes?.some((volume) => volume.name === name))
        return skip(
          `volume ${JSON.stringify(name.slice(0, 64))} is left out: the pod has none of that name`,
        );
      return [{ name, mountPath, ...(readOnly ? { readOnly } : {}) }];
    });
}
