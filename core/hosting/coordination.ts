import type { CoordinationSource, OpenedCoordination } from "#core/kernel/coordination.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import { isTruthy } from "#core/util/truthy.ts";
import type { Instances } from "./instances.ts";
import type { Components } from "./load-components.ts";
import type { Registry } from "./registry.ts";

/** A driver and its settings. */
export interface CoordinationDriver {
  /** `coordination.<driver>`. */
  readonly type: string;
  /** Names in lower case. */
  readonly metadata: Metadata;
}
/** A database that is made when it is first needed. */
export interface EmbeddedCoordination extends CoordinationDriver {
  /** What a group is called in it. */
  groupOf(group: string): string;
  exists(): Promise<boolean>;
  /** See `CoordinationSource.onceThere`. */
  onceThere?(run: () => void): () => void;
  /** Makes room for it. */
  prepare(): Promise<void>;
}
/** What a target says of owners and due times of an app. */
export interface CoordinationSettings extends Pick<
  CoordinationSource,
  "actors" | "jobs" | "address"
> {
  /** Runtimes of one group see each other. */
  readonly group: string;
  /** As asked for. Absent: that of the actor state store where there is one, else `embedded`. Without any, all is off. */
  readonly driver?: CoordinationDriver | undefined;
  /** The database of this user on this machine. */
  readonly embedded?: EmbeddedCoordination | undefined;
}

/** What a driver is opened with. */
export interface OpenDeps {
  readonly registry: Registry;
  readonly instances: Instances;
}

const openMs = 30_000;

/** Decides at its first use, when the components are there. */
export function coordinationSource(
  { group, driver, embedded, ...settings }: CoordinationSettings,
  deps: OpenDeps,
  components: () => Components,
): CoordinationSource {
  const { registry } = deps;
  let known: Components | undefined;
  let ofStore: CoordinationDriver | undefined;
  function chosen(): CoordinationDriver | undefined {
    if (driver) return driver;
    const now = components();
    if (now !== known) {
      known = now;
      ofStore = driverOfActorStore(now.all("state"), registry);
    }
    return ofStore ?? embedded;
  }
  const openDriver = (found: CoordinationDriver): Promise<OpenedCoordination> =>
    openCoordination(found, found === embedded ? embedded.groupOf(group) : group, deps);
  const isThere = (): boolean => chosen() !== undefined;
  return {
    address: settings.address,
    // As documents come and go, an app may get an actor state store, or lose it.
    get actors() {
      return settings.actors && isThere();
    },
    get jobs() {
      return settings.jobs && isThere();
    },
    exists: async () => {
      const found = chosen();
      return found !== undefined && (found !== embedded || (await embedded.exists()));
    },
    onceThere: (run) =>
      (chosen() === embedded ? embedded?.onceThere?.(run) : undefined) ?? (() => {}),
    open: async () => {
      const found = chosen();
      if (!found)
        throw new Error(
          "there is nothing to keep owners of actors and due times in; name it with --coordination",
        );
      if (found === embedded) await embedded.prepare();
      return openDriver(found);
    },
    openDirectory: async (toAnnounce) => {
      if (driver || !embedded || chosen() === embedded) return undefined;
      if (toAnnounce) await embedded.prepare();
      else if (!(await embedded.exists())) return undefined;
      return openDriver(embedded);
    },
  };
}

/** Opens what the runtimes of a group share, or joins those of this process who have. */
export async function openCoordination(
  { type, metadata }: CoordinationDriver,
  group: string,
  { registry, instances }: OpenDeps,
): Promise<OpenedCoordination> {
  const [manifest] = registry.find(type, "v1") as ReadonlyArray<Manifest<"coordination">>;
  if (!manifest) throw new Error(`there is no ${type}`);
  // Of no app: whoever would open the same shares it.
  const spec = { name: "coordination", namespace: "", metadata: { ...metadata, group } };
  return instances.open(manifest, spec, openMs);
}

/** The store that keeps actors' state, where its technology can keep owners as well: for all processes, not one. */
export function driverOfActorStore(
  stores: ReadonlyArray<{ readonly type: string; readonly metadata: Metadata }>,
  registry: Registry,
): CoordinationDriver | undefined {
  const store = stores.find(({ metadata }) => isTruthy(metadata["actorstatestore"] ?? ""));
  const type = store?.type.replace(/^state\./, "coordination.");
  if (!store || type === undefined || type === "coordination.in-memory") return undefined;
  return registry.has(type) ? { type, metadata: store.metadata } : undefined;
}
