import type { Loaded } from "#core/kernel/app.ts";
import type { Components } from "./load-components.ts";
import type { Kind, Kinds } from "#core/ports/manifest.ts";
import { guardPort, isGuardable } from "#core/resiliency/guard-port.ts";
import type { Resiliency } from "#core/resiliency/policies.ts";

/** The components as operations get them: policies stand before those that have any, the others are as they were opened. */
export interface GuardedComponents {
  get<K extends Kind>(kind: K, name: string): Loaded<K> | undefined;
}

export function guardComponents(
  components: Pick<Components, "get">,
  resiliency: Resiliency | undefined,
): GuardedComponents {
  if (!resiliency) return components;
  const views = new WeakMap<Loaded, Loaded>();
  return {
    get: (kind, name) => {
      const loaded = components.get(kind, name);
      if (!loaded || !isGuardable(kind)) return loaded;
      const known = views.get(loaded);
      if (known) return known as typeof loaded;
      const view = guarded(kind, loaded, resiliency);
      views.set(loaded, view);
      return view;
    },
  };
}

function guarded<K extends Kind>(kind: K, loaded: Loaded<K>, resiliency: Resiliency): Loaded<K> {
  const guard = resiliency.component(loaded.name, kind, "outbound");
  if (!guard) return loaded;
  const { outbox } = loaded;
  return {
    ...loaded,
    port: guardPort(kind, loaded.port, guard) as Kinds[K],
    ...(outbox ? { outbox: { ...outbox, port: guardPort("state", outbox.port, guard) } } : {}),
  };
}
