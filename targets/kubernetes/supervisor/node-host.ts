import { createEventWriter, type EventWriter } from "#k8s/api/events.ts";
import { type ComponentStatus, createComponentStatus } from "#k8s/operator/component-status.ts";
import { watchDocuments } from "#k8s/operator/documents.ts";
import { clock } from "#targets/node/clock.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { namespaceOf } from "../group-name.ts";
import { createWaitMetrics, type WaitMetrics } from "../wait-metrics.ts";
import { type AppNodes, createAppNodes } from "./app-nodes.ts";
import { createClusterQuestions } from "./cluster-questions.ts";
import type { Warn } from "./duplicates.ts";
import { forkOf } from "./fork-of.ts";
import { Group } from "./group.ts";
import { createGroupAssignment, type GroupAssignment } from "./group-assignment.ts";
import { createGroupMessages, type GroupMessages } from "./group-messages.ts";
import { type HostedPods, hostPods } from "./hosted-pods.ts";
import { createMetricsReader, type MetricsReader } from "./metrics-reader.ts";
import type { NodeRuntimeOptions } from "./options.ts";
import { noPins, watchPins } from "./pins.ts";
import { createRoutes, type Routes } from "./routes.ts";

/** The apps of a node in their groups, from the API server to the processes; without the ports that they are called on. */
export interface NodeHost {
  readonly routes: Routes;
  readonly waitMetrics: WaitMetrics;
  readonly assignment: GroupAssignment;
  readonly nodes: AppNodes;
  readonly pods: HostedPods;
  readonly status: Pick<ComponentStatus, "knows">;
  readonly metrics: Pick<MetricsReader, "read">;
  /** The ports are open. */
  serve(): void;
  /** Lets what is in flight end, and ends the groups. */
  drain(): Promise<void>;
  /** Writes what is still to be written to the cluster, once the signal has fired and the groups have ended. */
  close(): Promise<void>;
}

/** How long connections that nobody uses stay open when a process ends: clients may be about to use them. */
const idleMs = 10_000;
const pinsMs = 5000;
/** Of all addresses that are listened on, the one that nobody else hears. */
const loopbackAddress = "127.0.0.1";
const withdrawMs = 3000;

/** Until the signal fires it follows pods and documents. */
export function createNodeHost(options: NodeRuntimeOptions, signal: AbortSignal): NodeHost {
  const { client, log, scope, ports } = options;
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
  const answers = createClusterQuestions({
    client,
    nodes,
    tokenAudience: options.tokenAudience,
    clock,
  });
  const renew = (namespace: string): void => {
    for (const group of assignment.groups)
      if (namespaceOf(group.name) === namespace) void group.renew(idleMs, options.drainMs);
  };
  // Namespaces that are named are all that there are rights for.
  const isNamed = "namespaces" in scope && scope.namespaces.length > 0;
  const pins = isNamed ? noPins : watchPins(client, renew, watching);
  const waitMetrics = createWaitMetrics(clock);
  let isServing = false;
  const assignment = createGroupAssignment({
    isolation: options.isolation,
    routes,
    log,
    clock,
    create: (name) =>
      new Group(name, {
        clock,
        log,
        waitMetrics,
        fork: forkOf(options, hostIps, pins, name),
        onMessage: (group, message, tell) => groupMessages.handle(group, message, tell),
        documentsOf: (namespace) => documents.documentsOf(namespace),
        isCurrent: () => pods.isCurrent(),
        isServing: () => isServing,
      }),
  });
  const metrics = createMetricsReader(assignment, clock);
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
    before: endsWithin(clock, pinsMs, pins.synced),
    gone: groupMessages.forget,
    namespaceGone: groupMessages.namespaceGone,
    ...watching,
  });
  return {
    routes,
    waitMetrics,
    assignment,
    nodes,
    pods,
    status,
    metrics,
    serve: () => {
      isServing = true;
      for (const group of assignment.groups) group.serve();
    },
    drain: () => assignment.drain(idleMs, options.drainMs),
    close: async () => {
      nodes[Symbol.dispose]();
      // The next process of a node keeps its entries; those of a replica are nobody's once it has ended.
      if (!("node" in scope)) await endsWithin(clock, withdrawMs, status.withdraw());
      for (const each of [status, writer]) await each[Symbol.asyncDispose]();
    },
  };
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

/** True for a namespace whose pods are hosted here wherever they run. */
function isOurs(scope: NodeRuntimeOptions["scope"], namespace: string): boolean {
  if ("node" in scope) return false;
  return scope.namespaces.length === 0 || scope.namespaces.includes(namespace);
}
