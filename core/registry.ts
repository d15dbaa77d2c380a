import type { Kind, Manifest, Target } from "./ports/manifest.ts";

/** The component types that one target offers. */
export interface Registry {
  /** Every port of a component type (a binding may be input and output); throws with Dapr's text for what it does not have. */
  find(type: string, version: string): readonly Manifest[];
}

const firstVersions: ReadonlySet<string> = new Set(["", "v0", "v1"]);

export function createRegistry(manifests: readonly Manifest[], target: Target): Registry {
  const byType = new Map<string, Manifest[]>();
  for (const manifest of manifests) {
    if (!manifest.targets.includes(target)) continue;
    for (const type of [manifest.type, ...(manifest.aliases ?? [])]) {
      const of = byType.get(type);
      if (of) of.push(manifest);
      else byType.set(type, [manifest]);
    }
  }
  return {
    find: (type, version) => {
      const wanted = type.toLowerCase();
      const found = (byType.get(wanted) ?? []).filter(
        (manifest) =>
          manifest.version === version ||
          (firstVersions.has(version) && firstVersions.has(manifest.version)),
      );
      if (found.length === 0)
        throw new Error(`couldn't find ${noun(wanted)} ${type}/${version === "" ? "v1" : version}`);
      return found;
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
};
function noun(type: string): string {
  return nouns[type.split(".", 1)[0] as string] ?? "component";
}

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
