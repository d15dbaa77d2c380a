import { defineComponent, type Manifest } from "#core/ports/manifest.ts";
import type { NameResolver } from "#core/ports/name-resolver.ts";
import type { AppRef, Clock } from "#core/ports/platform.ts";
import type { NameResolution } from "#core/resources/configuration.ts";
import { withPort } from "../address.ts";
import { RefusedQuestionError, type SupervisorLink } from "./supervisor-link.ts";

/** Finds apps on the nodes of the cluster. */
export interface NodeNames {
  readonly manifest: Manifest<"nameresolution">;
  readonly use: NameResolution;
  /** True where one of the app's nodes is none of these addresses; those that are ready count, where there are some. */
  isElsewhere(app: AppRef, own: readonly string[]): Promise<boolean>;
  /** News of an app that was asked for. */
  put(app: AppRef, hosts: readonly string[]): void;
  /** No more news of it come. */
  forget(app: AppRef): void;
}

interface Known {
  hosts: readonly string[];
  next: number;
  /** When the supervisor was last asked, on whose news it rests. */
  askedAt: number;
  isFollowed: boolean;
}

/** The supervisor follows what it is asked for again in that time: a third of its own. */
const renewMs = 10 * 60_000;
const againMs = 10_000;

/**
 * Once asked for, an app's nodes are kept up to date by the supervisor. They are known on while it has no news, and what
 * is called goes on being asked for.
 */
export function createNodeNames(
  link: Pick<SupervisorLink, "ask">,
  port: number,
  clock: Pick<Clock, "now">,
): NodeNames {
  const known = new Map<string, Known>();
  const asking = new Map<string, Promise<void>>();
  const keyOf = ({ namespace, appId }: AppRef): string => JSON.stringify([namespace, appId]);
  function put(app: AppRef, hosts: readonly string[]): void {
    const before = known.get(keyOf(app));
    if (before) before.hosts = hosts;
    // Any name may be called: what is nowhere is asked for each time, and not kept.
    else if (hosts.length > 0)
      known.set(keyOf(app), {
        hosts,
        next: Math.floor(Math.random() * 1000),
        askedAt: clock.now(),
        isFollowed: true,
      });
  }
  function ask(app: AppRef): Promise<void> {
    const key = keyOf(app);
    let asked = asking.get(key);
    if (!asked) {
      const { namespace, appId } = app;
      asked = link
        .ask("resolve", { namespace, appId })
        .then((hosts) => {
          put(app, hosts);
          const found = known.get(key);
          if (found) Object.assign(found, { askedAt: clock.now(), isFollowed: true });
        })
        .finally(() => asking.delete(key));
      asking.set(key, asked);
    }
    return asked;
  }
  async function find(app: AppRef): Promise<Known | undefined> {
    const found = known.get(keyOf(app));
    if (found && found.hosts.length > 0 && found.isFollowed) {
      renew(app, found);
      return found;
    }
    try {
      await ask(app);
    } catch (reason) {
      if (!(reason instanceof RefusedQuestionError) || !found) throw reason;
      // Nobody waits for it again: it counts on, and is asked for beside the calls.
      Object.assign(found, { askedAt: clock.now() - renewMs + againMs, isFollowed: true });
    }
    return known.get(keyOf(app));
  }
  function renew(app: AppRef, found: Known): void {
    const now = clock.now();
    if (now - found.askedAt < renewMs) return;
    found.askedAt = now;
    ask(app).catch(() => (found.askedAt = clock.now() - renewMs + againMs));
  }
  const resolver: NameResolver = {
    announce: async () => {},
    resolve: async (app) => {
      const found = await find(app);
      const hosts = found?.hosts ?? [];
      if (!found || hosts.length === 0)
        throw new Error(`no node hosts app id ${app.appId} in namespace ${app.namespace}`);
      const host = hosts[found.next++ % hosts.length] as string;
      return withPort(host, port);
    },
    [Symbol.asyncDispose]: async () => {},
  };
  return {
    put,
    forget: (app) => {
      const found = known.get(keyOf(app));
      if (found?.hosts.length === 0) known.delete(keyOf(app));
      else if (found) found.isFollowed = false;
    },
    isElsewhere: async (app, own) => {
      const found = await find(app).catch(() => undefined);
      return found?.hosts.some((host) => !own.includes(host)) ?? false;
    },
    use: { component: "outrigger.nodes", version: "v1", options: {} },
    manifest: defineComponent({
      kind: "nameresolution",
      type: "nameresolution.outrigger.nodes",
      version: "v1",
      targets: ["node"],
      about: "Finds apps on the nodes of the cluster, as the supervisor knows them.",
      options: {},
      open: async () => resolver,
    }),
  };
}
