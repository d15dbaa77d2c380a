import { messageOf } from "#core/errors/component-error.ts";
import { createEventWriter, type EventWriter } from "#k8s/api/events.ts";
import { createComponentStatus } from "#k8s/operator/component-status.ts";
import { watchDocuments } from "#k8s/operator/documents.ts";
import { sweepEntries } from "#k8s/operator/stale-entries.ts";
import { clock } from "#targets/node/clock.ts";
import { endsWithin } from "#targets/node/listen/drain.ts";
import { namespaceOf } from "../group-name.ts";
import { createWaitMetrics } from "../wait-metrics.ts";
import { createClusterQuestions } from "./cluster-questions.ts";
import { createAppNodes } from "./app-nodes.ts";
import type { Warn } from "./duplicates.ts";
import { forkOf } from "./fork-of.ts";
import { Group } from "./group.ts";
import { serveHealth } from "./health-server.ts";
import type { SideServer } from "./side-server.ts";
import { createGroupMessages, type GroupMessages } from "./group-messages.ts";
import { type HostedPods, hostPods } from "./hosted-pods.ts";
import { createGroupAssignment, type GroupAssignment } from "./group-assignment.ts";
import { createMetricsReader } from "./metrics-reader.ts";
import type { Listeners } from "./listeners.ts";
import { listenForApps } from "./listen-for-apps.ts";
import { serveNodeMetrics } from "./metrics-server.ts";
import type { NodeRuntimeOptions, RunningNode } from "./options.ts";
import { noPins, watchPins } from "./pins.ts";
import { createRoutes } from "./routes.ts";
import { successor } from "./successor.ts";

/** How long connections that nobody uses stay open when a process ends: clients may be about to use them. */
const idleMs = 10_000;
const newsMs = 250;
const pinsMs = 5000;
const settleMs = 30_000;
/** Of all addresses that are listened on, the one that nobody else hears. */
const loopbackAddress = "127.0.0.1";
const withdrawMs = 3000;

/** `outrigger node`: hosts the apps of a node's pods, each group of them in a process of its own. */
export async function startNodeRuntime(options: NodeRuntimeOptions): Promise<RunningNode> {
  const { client, log, scope, ports } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const watching = { log, clock, signal };
  const hostIps = options.hostIp === "" ? [] : [options.hostIp];
  const routes = createRoutes(hostIps, options.checkSourceIp);
  const writer = createEventWriter(client, {
    component: "outrigger-node",
    instance: options.instance,
    log,
    clock,
  });
  const warn = warnOf(writer);
  const status = createComponentStatus(client, { node: options.instance, log, clock });
  const documents = watchDocuments(client, watching);
  const nodes = createAppNodes({
    client,
    internalPort: ports.internal ?? 0,
    // No runtime is on the nodes of a Deployment's pods: this one hosts them, and has their other groups, too.
    hostOf: (namespace) =>
      isOurs(scope, namespace) ? options.hostIp || loopbackAddress : undefined,
    clock,
    log,
    changed: (app, hosts) => assignment.tellAll({ type: "addresses", ...app, hosts }),
    forgotten: (app) => assignment.tellAll({ type: "forgotten", ...app }),
  });
  const answers = createClusterQuestions({ client, nodes, tokenAudience: options.tokenAudience });
  const renew = (namespace: string): void => {
    for (const group of assignment.groups)
      if (namespaceOf(group.name) === namespace) void group.renew(idleMs, options.drainMs);
  };
  // Namespaces that are named are all that there are rights for.
  const isNamed = "namespaces" in scope && scope.namespaces.length > 0;
  const pins = isNamed ? noPins : watchPins(client, renew, watching);
  const waitMetrics = createWaitMetrics();
  const assignment = createGroupAssignment({
    isolation: options.isolation,
    routes,
    log,
    create: (name) =>
      new Group(name, {
        clock,
        log,
        waitMetrics,
        fork: forkOf(options, hostIps, pins, name),
        onMessage: (group, message, tell) => groupMessages.handle(group, message, tell),
        documentsOf: (namespace) => documents.documentsOf(namespace),
        isCurrent: () => pods.isCurrent(),
      }),
  });
  const metrics = createMetricsReader(assignment);
  const groupMessages: GroupMessages = createGroupMessages({
    documents,
    status,
    warn,
    answer: answers.answer,
    podOf: assignment.podOf,
    onMetrics: metrics.hear,
  });
  documents.onChange((namespace) => {
    groupMessages.documentsChanged(namespace);
    for (const group of assignment.groups) group.putDocuments(namespace);
  });
  const pods = hostPods({
    client,
    scope,
    documents,
    assignment,
    warn,
    // Rights to read namespaces may be missing; then nothing is pinned.
    before: endsWithin(pins.synced, pinsMs, clock),
    gone: groupMessages.forget,
    namespaceGone: groupMessages.namespaceGone,
    ...watching,
  });
  const news = tellNews(pods, assignment);
  const sweeping = new AbortController();
  let listeners: Listeners | undefined;
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
    read: metrics.read,
    waitMetrics,
  });
  const allPorts: Record<string, number> = { health: health.port, metrics: metricsServer.port };

  /** Not before all that is there already has a home: until then an older process serves, if there is one. */
  async function open(): Promise<void> {
    await pods.synced;
    await settled(assignment.groups);
    if (stopped) return;
    const opened = await listenForApps(options, { routes, waitMetrics, assignment, nodes, pods });
    // It was stopped in the middle.
    if (stopped) return opened.close();
    listeners = opened;
    Object.assign(allPorts, listeners.ports);
    void sweepEntries({
      client,
      node: options.instance,
      knows: status.knows,
      namespaces: "namespaces" in scope ? scope.namespaces : [],
      log,
      clock,
      signal: AbortSignal.any([signal, sweeping.signal]),
    });
    log.info(`Listening for the apps of ${"node" in scope ? `node ${scope.node}` : "namespaces"}`, {
      ...listeners.ports,
    });
  }
  let stopped: Promise<void> | undefined;
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
    await assignment.drain(idleMs, options.drainMs);
    stopping.abort(new Error("the runtime is stopping"));
    metricsServer[Symbol.dispose]();
    nodes[Symbol.dispose]();
    // The next process of a node keeps its entries; those of a replica are nobody's once it has ended.
    if (!("node" in scope)) await endsWithin(status.withdraw(), withdrawMs, clock);
    for (const each of [status, writer, client]) await each[Symbol.asyncDispose]();
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

/** Warnings go to the pod that they are about, as Events. */
function warnOf(writer: Pick<EventWriter, "emit">): Warn {
  return ({ namespace, name, uid }, reason, message) =>
    writer.emit(
      { apiVersion: "v1", kind: "Pod", namespace, name, uid },
      "Warning",
      reason,
      message,
    );
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

/** True for a namespace whose pods are hosted here wherever they run. */
function isOurs(scope: NodeRuntimeOptions["scope"], namespace: string): boolean {
  if ("node" in scope) return false;
  return scope.namespaces.length === 0 || scope.namespaces.includes(namespace);
}

/** Resolves when every group hosts what it is to host, or has had the time for it. */
async function settled(groups: readonly Group[]): Promise<void> {
  const late = AbortSignal.timeout(settleMs);
  const timeout = new Promise<void>((resolve) =>
    late.addEventListener("abort", () => resolve(), { once: true }),
  );
  await Promise.all(
    groups.map(async (group) => {
      while (!group.isSettled && !late.aborted) await Promise.race([group.changed, timeout]);
    }),
  );
}
