import { endsWithin } from "#core/util/time-limit.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { sweepEntries } from "#k8s/operator/stale-entries.ts";
import { clock } from "#targets/node/clock.ts";
import type { Group } from "./group.ts";
import type { GroupAssignment } from "./group-assignment.ts";
import { serveHealth } from "./health-server.ts";
import type { HostedPods } from "./hosted-pods.ts";
import { listenForApps } from "./listen-for-apps.ts";
import type { Listeners } from "./listeners.ts";
import { serveNodeMetrics } from "./metrics-server.ts";
import { createNodeHost } from "./node-host.ts";
import type { NodeRuntimeOptions, RunningNode } from "./options.ts";
import type { SideServer } from "./side-server.ts";
import { successor } from "./successor.ts";

const newsMs = 250;
const settleMs = 30_000;

/** `outrigger node`: hosts the apps of a node's pods, each group of them in a process of its own. */
export async function startNodeRuntime(options: NodeRuntimeOptions): Promise<RunningNode> {
  const { client, log, scope, ports } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const host = createNodeHost(options, signal);
  const { assignment, pods } = host;
  const news = tellNews(pods, assignment);
  const sweeping = new AbortController();
  let listeners: Listeners | undefined;
  let stopped: Promise<void> | undefined;
  const health = await serveHealth({
    port: ports.health,
    address: options.hostIp,
    waitsFor: () => {
      if (signal.aborted) return "it is ending";
      return listeners ? "" : "the first list of pods, and their apps";
    },
  });
  const metricsServer = await serveNodeMetrics({
    port: ports.metrics,
    address: options.hostIp,
    groups: () => assignment.groups,
    read: host.metrics.read,
    waitMetrics: host.waitMetrics,
  });
  const allPorts: Record<string, number> = { health: health.port, metrics: metricsServer.port };

  /** Not before all that is there already has a home: until then an older process serves, if there is one. */
  async function open(): Promise<void> {
    await pods.synced;
    await settled(assignment.groups);
    if (stopped) return;
    const opened = await listenForApps(options, host);
    // It was stopped in the middle.
    if (stopped) return opened.close();
    listeners = opened;
    Object.assign(allPorts, listeners.ports);
    host.serve();
    void sweepEntries({
      client,
      node: options.instance,
      knows: host.status.knows,
      namespaces: "namespaces" in scope ? scope.namespaces : [],
      log,
      clock,
      signal: AbortSignal.any([signal, sweeping.signal]),
    });
    log.info(`Listening for the apps of ${"node" in scope ? `node ${scope.node}` : "namespaces"}`, {
      ...listeners.ports,
    });
  }
  const ready = open();
  ready.catch((reason: unknown) => {
    if (!signal.aborted) log.error(`Cannot start: ${messageOf(reason)}`);
  });

  const stop = async (): Promise<void> => {
    const opened = listeners;
    await beforeClosing(options, health, sweeping, opened !== undefined);
    clearInterval(news);
    if (opened && options.lingerMs !== undefined) await clock.sleep(options.lingerMs, { signal });
    // Watches go on until nothing is in flight: pods come and go meanwhile.
    await opened?.close();
    listeners = undefined;
    await host.drain();
    stopping.abort(new Error("the runtime is stopping"));
    metricsServer[Symbol.dispose]();
    await host.close();
    await client[Symbol.asyncDispose]();
  };
  return {
    ports: allPorts,
    ready,
    stop: () => (stopped ??= stop()),
    get groups() {
      return assignment.groups.map(({ name, pid, restarts }) => ({ name, pid, restarts }));
    },
  };
}

/** Tells groups whether there is news of pods, whenever that changes. */
function tellNews(
  pods: Pick<HostedPods, "isCurrent">,
  assignment: Pick<GroupAssignment, "tellAll">,
): ReturnType<typeof setInterval> {
  let wasCurrent = false;
  return setInterval(() => {
    if (pods.isCurrent() === wasCurrent) return;
    wasCurrent = pods.isCurrent();
    assignment.tellAll({ type: "current", isCurrent: wasCurrent });
  }, newsMs).unref();
}

/** What has to come first where a node's process ends. */
async function beforeClosing(
  { hostIp: address, successorMs }: NodeRuntimeOptions,
  health: SideServer,
  sweeping: AbortController,
  isServing: boolean,
): Promise<void> {
  // First of all: the port is also that of the process that comes next, and this one is not to answer for it.
  health[Symbol.dispose]();
  // The process that comes next writes the same entries, and may know more of them.
  sweeping.abort();
  // Deleted and not replaced: the next one is on its way, and until then nobody else is there for the apps.
  if (isServing && successorMs !== undefined)
    await successor({ port: health.port, address }, successorMs);
}

/** Resolves when every group hosts what it is to host, or has had the time for it. */
async function settled(groups: readonly Group[]): Promise<void> {
  let isLate = false;
  const all = groups.map(async (group) => {
    while (!group.isSettled && !isLate) await group.changed;
  });
  isLate = !(await endsWithin(clock, settleMs, Promise.all(all)));
}
