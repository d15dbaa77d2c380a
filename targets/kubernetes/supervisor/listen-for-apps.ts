import type { WaitMetrics } from "../wait-metrics.ts";
import type { AppNodes } from "./app-nodes.ts";
import type { HostedPods } from "./hosted-pods.ts";
import type { GroupAssignment } from "./group-assignment.ts";
import { readServerName } from "./internal-name.ts";
import { listen, type Listeners } from "./listeners.ts";
import type { NodeRuntimeOptions } from "./options.ts";
import { passOn } from "./pass-on.ts";
import type { Routes } from "./routes.ts";

interface Node {
  readonly routes: Routes;
  readonly waitMetrics: WaitMetrics;
  readonly assignment: GroupAssignment;
  readonly nodes: AppNodes;
  readonly pods: Pick<HostedPods, "isSidecar">;
}

/** Opens the ports that the apps of the node share; each connection goes to the group of its app. */
export function listenForApps(
  { hostIp, ports, log }: NodeRuntimeOptions,
  { routes, waitMetrics, assignment, nodes, pods }: Node,
): Promise<Listeners> {
  return listen({
    address: hostIp,
    ports: {
      http: ports.http,
      grpc: ports.grpc,
      ...(ports.internal === undefined ? {} : { internal: ports.internal }),
    },
    routes,
    log,
    waitMetrics,
    soleGroup: () => (assignment.groups.length === 1 ? assignment.groups[0]?.name : undefined),
    hand: (name, port, socket, head) => {
      // Of the host's network, where all share one group.
      const group = assignment.group(name) ?? assignment.group("shared");
      group?.take(port, socket, head);
      return group !== undefined;
    },
    readInternal: async (socket) => {
      const found = await readServerName(socket);
      const group = found && assignment.groupOf(found.name);
      if (group) return { group: group.name, head: found.head };
      // A sidecar of this node asks its node for everybody; TLS goes on from end to end.
      if (found && ports.internal !== undefined && pods.isSidecar(socket.remoteAddress))
        void passOn(socket, found, nodes, ports.internal);
      else socket.destroy();
      return undefined;
    },
  });
}
