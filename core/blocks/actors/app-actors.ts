import { type ActiveActor, type ActiveActors, createActiveActors } from "./active-actors.ts";
import { type Durable, durableOf } from "#core/blocks/_shared/durable.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { actorsDisabled, actorView } from "#core/kernel/actor-view.ts";
import { actorRuntimeView } from "./runtime-view.ts";
import type { App, Loaded } from "#core/kernel/app.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { MemberLease } from "#core/ownership/membership.ts";
import type { Log } from "#core/ports/platform.ts";
import type { ActorHost, ActorName } from "#core/ports/actor-host.ts";
import type { Pauses } from "#core/util/backoff.ts";
import { anyFired, keepRunning } from "#core/util/keep-running.ts";
import type { ActorMember } from "#core/ports/ownership.ts";
import { actorComponent } from "./actor-store.ts";
import { announce } from "./announce.ts";
import { type LocalHost, localHosts } from "./local-hosts.ts";
import { createReadiness, type Readiness } from "./readiness.ts";
import { runTurn } from "./run-turn.ts";
import type { HostedTypes } from "./settings.ts";

/** What one app hosts, while it does. */
export interface Hosting {
  readonly types: HostedTypes;
  readonly host: ActorHost;
  readonly durable: Durable;
  readonly lease: MemberLease;
  readonly actors: ReadonlyMap<string, ActiveActors>;
  /** See `ActiveActors`. */
  evict(actor: ActiveActor): void;
}
/** Runs beside what is hosted: timers, reminders. */
export interface BesideHosting {
  started(hosting: Hosting): void;
  /** The actor has moved to another host. */
  left?(actor: ActorName): void;
  /** Nothing of it calls the app any more when it resolves. */
  stopped(): Promise<void>;
}

/** The actors of one app. */
export interface AppActors extends Omit<Readiness, "isBegun"> {
  /** Hosts these types in the place of what was hosted. Resolves once others know of it, or it is stopped. */
  host(types: HostedTypes, host: ActorHost): Promise<void>;
  /** Other documents are in force: hosts, or does not, as there is an actor state store or not. */
  follow(): Promise<void>;
  /** The types go, and every actor with them. */
  stop(): Promise<void>;
  /** What is hosted now; `undefined` while nothing is. */
  readonly hosting: Hosting | undefined;
  /** The same, and also while it ends: turns that end, and deactivations, may still write state. */
  readonly owning: Hosting | undefined;
  readonly types: HostedTypes;
  beside(other: BesideHosting): void;
}

const pauses: Pauses = { firstMs: 100, longestMs: 5000 };

/** By the app. */
export const appActors: RuntimePart<(app: App) => AppActors> = {
  name: "actors",
  create: (services) => {
    const made = new WeakMap<App, AppActors>();
    return (app) => {
      let actors = made.get(app);
      if (!actors) made.set(app, (actors = createAppActors(app, services)));
      return actors;
    };
  },
};

function createAppActors(app: App, services: RuntimeServices): AppActors {
  const { clock, log } = services.platform;
  const locals = services.part(localHosts);
  const readiness = createReadiness();
  const others: BesideHosting[] = [];
  let types: HostedTypes = new Map();
  let wanted: { readonly types: HostedTypes; readonly host: ActorHost } | undefined;
  let owning: Hosting | undefined;
  /** The actor state store that hosting began with, or that was followed last. */
  let store: Loaded<"state"> | undefined;
  /** Has fired while nothing is hosted, nor about to be. */
  let stopping = new AbortController();
  stopping.abort();
  let running: Promise<void> = Promise.resolve();
  /** The store of owners cannot be reached. */
  let isOut = false;
  /** Number of the last call that has changed what is hosted. */
  let changes = 0;

  const hosting = (): Hosting | undefined =>
    stopping.signal.aborted || owning?.lease.lost.aborted ? undefined : owning;
  app.part(actorView).show = () =>
    app.part(appCoordination).source?.actors
      ? actorRuntimeView(app, { isBegun: readiness.isBegun, isOut, types, hosting: hosting() })
      : actorsDisabled;

  /** One lease long. Rejects where the store of owners cannot be reached. */
  async function hostOnce(host: ActorHost, registered: () => void): Promise<void> {
    const durable = await durableOf(app, services);
    const lease = await durable.membership.join(replicaOf(app, types), app.instance);
    isOut = false;
    const now = hostTypes(app, services, durable, lease, types, host, others);
    owning = now;
    const local = localHost(app, now);
    locals.set(lease.member.id, local);
    const over = new AbortController();
    const announced = announce(local, lease, services, over.signal);
    for (const other of others) other.started(now);
    registered();
    await anyFired(lease.lost, stopping.signal);
    over.abort();
    await endHosting(now, [announced, ...others.map((other) => other.stopped())]);
    owning = undefined;
    locals.delete(lease.member.id);
    await lease.leave().catch(() => {});
  }
  const failed = (reason: unknown): void => {
    if (!isOut)
      log.warn(`Cannot host actors, trying again: ${messageOf(reason)}`, { app_id: app.appId });
    isOut = true;
  };
  async function end(): Promise<void> {
    stopping.abort(new Error("the actor host is ending"));
    await running;
    wanted = undefined;
    types = new Map();
  }
  async function host(asked: HostedTypes, by: ActorHost): Promise<void> {
    const change = ++changes;
    await end();
    // Another has come meanwhile, whose wish is newer.
    if (change !== changes) return;
    wanted = { types: asked, host: by };
    types = asked;
    if (asked.size === 0) return;
    store = actorComponent(app);
    if (!store) return log.warn(noStore, { app_id: app.appId });
    stopping = new AbortController();
    const { promise: registered, resolve } = Promise.withResolvers<void>();
    const { signal } = stopping;
    running = keepRunning(() => hostOnce(by, resolve), { pauses, clock, signal, failed });
    running = running.finally(resolve);
    await registered;
  }

  return {
    get hosting() {
      return hosting();
    },
    get owning() {
      return owning;
    },
    get types() {
      return types;
    },
    host,
    follow: async () => {
      const [before, found] = [store, actorComponent(app)];
      store = found;
      const isHosting = !stopping.signal.aborted;
      if (wanted && (found !== undefined) !== isHosting) await host(wanted.types, wanted.host);
      else if (isHosting) logSwap(before, found, log, app.appId);
    },
    stop: () => {
      changes++;
      return end();
    },
    // Whoever may not be called hosts nothing that could be waited for.
    ready: (options) =>
      app.health.isAvailable === false ? Promise.resolve() : readiness.ready(options),
    begin: readiness.begin,
    suspend: readiness.suspend,
    beside: (other) => void others.push(other),
  };
}

const noStore =
  'The app\'s actors are not hosted: none of its state stores has actorStateStore: "true"';

/** Each call asks for the store anew, so that hosting goes on when another instance takes its place. */
function logSwap(
  before: Loaded<"state"> | undefined,
  after: Loaded<"state"> | undefined,
  log: Pick<Log, "info">,
  appId: string,
): void {
  if (after && before && after !== before && after.name === before.name)
    log.info(`Actor state store ${after.name} updated - actor hosting continues`, {
      app_id: appId,
    });
}

function localHost(app: App, hosting: Hosting): LocalHost {
  return {
    app,
    run: (turn, options, isRemote) => runTurn(app, hosting, turn, options, isRemote),
  };
}

function replicaOf(app: App, types: HostedTypes): Omit<ActorMember, "id"> {
  const address = app.part(appCoordination).source?.address ?? "";
  return { namespace: app.namespace, appId: app.appId, address, types: [...types.keys()] };
}

/** The types go first, so that nobody new comes; then the actors, and what runs beside them. */
async function endHosting(
  { lease, actors }: Hosting,
  beside: ReadonlyArray<Promise<void>>,
): Promise<void> {
  const reason = lease.isHeld() ? "ended" : "lost";
  if (reason === "ended") await lease.host([]).catch(() => {});
  await Promise.allSettled([...beside, ...[...actors.values()].map((each) => each.close(reason))]);
}

function hostTypes(
  app: App,
  { platform: { clock, log } }: RuntimeServices,
  durable: Durable,
  lease: MemberLease,
  types: HostedTypes,
  host: ActorHost,
  others: readonly BesideHosting[],
): Hosting {
  const { metrics } = app.telemetry;
  const actors = new Map<string, ActiveActors>();
  for (const [type, settings] of types)
    actors.set(
      type,
      createActiveActors({
        type,
        settings,
        lease,
        host,
        clock,
        log,
        membership: durable.membership,
        ownership: durable.ownership,
        waiting:
          metrics &&
          ((count) =>
            metrics.gauge("runtime_actor_pending_actor_calls", { actor_type: type }, count)),
        left: (actor, reason, failure) => {
          if (reason === "moved") for (const other of others) other.left?.(actor);
          const labels = { actor_type: type };
          metrics?.count("runtime_actor_rebalanced_total", labels);
          if (failure === undefined) metrics?.count("runtime_actor_deactivated_total", labels);
          else metrics?.count("runtime_actor_deactivated_failed_total", labels);
        },
      }),
    );
  const evict = (actor: ActiveActor): void => actors.get(actor.type)?.evict(actor);
  return { types, host, durable, lease, actors, evict };
}
