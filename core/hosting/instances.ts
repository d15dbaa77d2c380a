import type { ComponentSpec, Host, Kind, Kinds, Manifest } from "#core/ports/manifest.ts";
import type { Clock } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";

/** One opened port, shared by every app that sees the same component with the same settings. */
export interface Lease<K extends Kind = Kind> {
  readonly port: Kinds[K];
  /** Gives the port back; the last one closes it. */
  release(): Promise<void>;
}

/** Opened components by what they were opened with: one connection serves all apps that would open the same. */
export interface Instances {
  /** Rejects with the component's own reason, or after `timeoutMs`. */
  open<K extends Kind>(
    manifest: Manifest<K>,
    spec: ComponentSpec,
    timeoutMs: number,
  ): Promise<Lease<K>>;
}

interface Instance {
  readonly port: Promise<Kinds[Kind]>;
  users: number;
}

export function createInstances(host: Host, clock: Clock): Instances {
  const instances = new Map<string, Instance>();
  return {
    open: async (manifest, spec, timeoutMs) => {
      const key = identity(manifest, spec);
      let instance = instances.get(key);
      if (!instance) {
        instance = { port: openInTime(manifest, spec, host, clock, timeoutMs), users: 0 };
        instances.set(key, instance);
        instance.port.catch(() => instances.delete(key));
      }
      const held = instance;
      held.users++;
      const port = (await held.port) as Kinds[typeof manifest.kind];
      let released = false;
      return {
        port,
        release: async () => {
          if (released) return;
          released = true;
          if (--held.users > 0) return;
          instances.delete(key);
          await port[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** Everything that `open` sees. Settings hold secrets, so equal identity also means equal credentials. */
function identity(manifest: Manifest, spec: ComponentSpec): string {
  const settings = Object.entries(spec.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    manifest.kind,
    manifest.type,
    manifest.version,
    spec.namespace,
    spec.name,
    settings,
    spec.owner?.appId,
  ]);
}

async function openInTime<K extends Kind>(
  manifest: Manifest<K>,
  spec: ComponentSpec,
  host: Host,
  clock: Clock,
  timeoutMs: number,
): Promise<Kinds[K]> {
  const opening = manifest.open(spec, host);
  const late = (): Error => {
    // Whatever still opens must not stay open unseen; nobody waits for how it ends.
    opening.then((port) => port[Symbol.asyncDispose]()).catch(() => {});
    return new Error(`init timeout for component ${spec.name} exceeded after ${timeoutMs} ms`);
  };
  return within(clock, timeoutMs, {}, () => opening, late);
}
