import { createDueTimeEngine, type DueTimeEngine } from "#core/due-times/engine.ts";
import { createMembership, type Membership } from "#core/ownership/membership.ts";
import type { App } from "#core/kernel/app.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { Coordination } from "#core/ports/coordination.ts";

/** An opened coordination, and what this process runs on it: once, for all apps that share it. */
export interface Durable extends Pick<Coordination, "ownership" | "dueTimes"> {
  readonly engine: DueTimeEngine;
  readonly membership: Membership;
}

interface Used extends Durable {
  readonly users: Set<App>;
}

/** By what apps have opened: those that share a database share the engine, which ends with the last of them. */
const durables: RuntimePart<(port: Coordination, app: App) => Durable> = {
  name: "durable",
  create: ({ platform: { clock, log } }) => {
    const made = new WeakMap<Coordination, Used>();
    return (port, app) => {
      let used = made.get(port);
      if (!used) {
        const { ownership, dueTimes } = port;
        const engine = createDueTimeEngine({ store: dueTimes, clock, log });
        const membership = createMembership({ ownership, clock, log });
        made.set(port, (used = { ownership, dueTimes, engine, membership, users: new Set() }));
      }
      const { engine, users } = used;
      if (!users.has(app)) {
        users.add(app);
        app.part(appCoordination).beforeClose(async () => {
          users.delete(app);
          if (users.size > 0) return;
          if (made.get(port)?.users === users) made.delete(port);
          await engine[Symbol.asyncDispose]();
        });
      }
      return used;
    };
  },
};

/** Opens the app's coordination with its first use. Rejects where there is none, or it cannot be opened. */
export async function durableOf(app: App, services: RuntimeServices): Promise<Durable> {
  return services.part(durables)(await app.part(appCoordination).open(), app);
}

/**
 * The database of this machine, where the app's own is another one; see `CoordinationSource.openDirectory`. Rejects where
 * it cannot be opened.
 */
export async function directoryOf(
  app: App,
  services: RuntimeServices,
  toAnnounce: boolean,
): Promise<Pick<Durable, "membership"> | undefined> {
  const port = await app.part(appCoordination).directory(toAnnounce);
  return port && services.part(durables)(port, app);
}
