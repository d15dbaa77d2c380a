import type { Kind, Manifest, Target } from "#core/ports/manifest.ts";
import { didYouMean } from "#core/util/nearest.ts";

/** The component types that one target offers. */
export interface Registry {
  /** Every port of a component type (a binding may be input and output); throws for what it does not have, in Dapr's text and with what there is instead. */
  find(type: string, version: string): readonly Manifest[];
  /** Whether it has any version of the type. */
  has(type: string): boolean;
}

const firstVersions: ReadonlySet<string> = new Set(["", "v0", "v1"]);

export function createRegistry(manifests: readonly Manifest[], target: Target): Registry {
  const byType = new Map<string, Manifest[]>();
  const elsewhere = new Set<string>();
  for (const manifest of manifests) {
    const isHere = manifest.targets.includes(target);
    for (const type of [manifest.type, ...(manifest.aliases ?? [])]) {
      if (!isHere) {
        elsewhere.add(type);
        continue;
      }
      const of = byType.get(type);
      if (of) of.push(manifest);
      else byType.set(type, [manifest]);
    }
  }
  /** What to write in its place. */
  function instead(type: string): string {
    const versions = byType.get(type)?.map((manifest) => manifest.version);
    if (versions) return `; its versions are ${[...new Set(versions)].sort().join(", ")}`;
    if (elsewhere.has(type)) return `; it does not run on ${target}`;
    const category = categoryOf(type);
    const types = [...byType.keys()].sort();
    const others = types.filter((each) => each.startsWith(`${category}.`));
    const known =
      others.length > 0
        ? others.join(", ")
        : [...new Set(types.map((each) => `${each.split(".", 1)[0]}.*`))].join(", ");
    return `${didYouMean(type, types)}; Outrigger has ${known}`;
  }
  return {
    has: (type) => byType.has(type),
    find: (type, version) => {
      const wanted = type.toLowerCase();
      const found = (byType.get(wanted) ?? []).filter(
        (manifest) =>
          manifest.version === version ||
          (firstVersions.has(version) && firstVersions.has(manifest.version)),
      );
      if (found.length > 0) return found;
      if (!Object.hasOwn(nouns, categoryOf(wanted)))
        throw new Error(`${wrongCategory} ${type}${instead(wanted)}`);
      const asked = `${type}/${version === "" ? "v1" : version}`;
      throw new Error(`couldn't find ${noun(wanted)} ${asked}${instead(wanted)}`);
    },
  };
}

const nouns: Readonly<Record<string, string>> = {
  state: "state store",
  pubsub: "message bus",
  bindings: "binding",
  secretstores: "secret store",
  configuration: "configuration store",
  lock: "lock store",
  conversation: "conversation",
  nameresolution: "name resolution",
  crypto: "crypto provider",
  middleware: "HTTP middleware",
  coordination: "coordination driver",
};
function noun(type: string): string {
  return nouns[categoryOf(type)] ?? "component";
}
function categoryOf(type: string): string {
  return type.split(".", 1)[0] as string;
}
/** Dapr's words for a type whose first part no component has. */
export const wrongCategory = "incorrect type";

/** What a port can do, by the names that `GET /v1.0/metadata` lists. */
export function capabilitiesOf(kind: Kind, port: object): readonly string[] {
  const features = "features" in port ? (port.features as readonly string[]) : [];
  switch (kind) {
    case "state":
      return stateCapabilities(features, port);
    case "bindings.input":
      return ["INPUT_BINDING"];
    case "bindings.output":
      return ["OUTPUT_BINDING"];
    default:
      return features;
  }
}

function stateCapabilities(features: readonly string[], port: object): readonly string[] {
  const etag = features.includes("ETAG");
  const transactional = "transact" in port;
  const list: ReadonlyArray<readonly [boolean, string]> = [
    [etag, "ETAG"],
    [transactional, "TRANSACTIONAL"],
    [features.includes("TTL"), "TTL"],
    [features.includes("PARTITION_KEY"), "PARTITION_KEY"],
    ["query" in port, "QUERY_API"],
    ["deleteWithPrefix" in port, "DELETE_WITH_PREFIX"],
    ["keysLike" in port, "KEYS_LIKE"],
    [etag && transactional, "ACTOR"],
  ];
  return list.filter(([has]) => has).map(([, name]) => name);
}
