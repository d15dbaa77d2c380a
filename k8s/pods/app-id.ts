import type { ObjectMeta } from "#k8s/api/objects.ts";

/** An app id, and where it is from: an owner is told by its kind. */
export interface FoundAppId {
  readonly appId: string;
  readonly from: "annotation" | "pod" | "owner";
  readonly owner?: { readonly kind: string; readonly name: string };
}

/** Longest id: `<id>-dapr` is a DNS label in Dapr. */
export const mostAppIdChars = 58;

/** True for what may be an app id: as in Dapr a DNS label, and short enough; the end is a label value's rule. */
export function isAppId(text: string): boolean {
  return text.length <= mostAppIdChars && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(text);
}

/**
 * The app id of a pod: the annotation's, else as in Dapr the pod's name, else its owner's. A controller gives most
 * pods no name before they are admitted; their id must be the same then and later, and the same for all of them.
 */
export function findAppId(metadata: ObjectMeta): FoundAppId | undefined {
  const annotation = metadata.annotations?.["dapr.io/app-id"]?.trim() ?? "";
  if (annotation !== "") return { appId: annotation, from: "annotation" };
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const { name = "", generateName = "" } = metadata;
  // The pods of a StatefulSet have both: their name is theirs for ever, as `generateName` is not.
  if (name !== "" && (generateName === "" || owner?.kind === "StatefulSet"))
    return { appId: name, from: "pod" };
  if (owner) return { appId: workloadName(owner, metadata), from: "owner", owner };
  const prefix = generateName.replace(/-+$/, "");
  return prefix === "" ? undefined : { appId: prefix, from: "pod" };
}

/** A Deployment's name instead of its ReplicaSet's, a CronJob's instead of its Job's. */
function workloadName(
  owner: { readonly kind: string; readonly name: string },
  { labels }: ObjectMeta,
): string {
  if (owner.kind === "ReplicaSet") {
    const hash = labels?.["pod-template-hash"] ?? "";
    return hash !== "" && owner.name.endsWith(`-${hash}`)
      ? owner.name.slice(0, -hash.length - 1)
      : owner.name;
  }
  // A CronJob names its Jobs after the minute they are due.
  return owner.kind === "Job" ? owner.name.replace(/(?<=.)-\d{8,10}$/, "") : owner.name;
}
