import type { ToGroup } from "../messages.ts";
import type { PodAuthentication } from "./pod-authentication.ts";
import type { Connections } from "./connections.ts";
import type { GroupDocuments } from "./group-documents.ts";
import type { NodeNames } from "./node-names.ts";
import type { PodApps } from "./pod-apps.ts";
import type { SupervisorLink } from "./supervisor-link.ts";

interface Group {
  readonly link: Pick<SupervisorLink, "tell">;
  readonly host: Pick<PodApps, "put" | "remove" | "follow" | "serve">;
  readonly documents: Pick<GroupDocuments, "put">;
  readonly podAuthentication: Pick<PodAuthentication, "isCurrent">;
  readonly connections: Pick<Connections, "take">;
  readonly names: Pick<NodeNames, "put" | "forget">;
  /** Prometheus text. */
  metrics(): string;
  drain(idleMs: number): void;
}

/** What a group does with each message of its supervisor. */
export function handleSupervisorMessages({
  link,
  host,
  documents,
  podAuthentication,
  connections,
  names,
  metrics,
  drain,
}: Group): Parameters<SupervisorLink["onMessage"]>[0] {
  return (message: ToGroup, socket) => {
    switch (message.type) {
      case "pod":
        return host.put(message.pod);
      case "pod-gone":
        return host.remove(message.uid);
      case "documents":
        link.tell({
          type: "unread",
          namespace: message.namespace,
          documents: documents.put(message.namespace, message.objects),
        });
        return void host.follow(message.namespace);
      case "current":
        podAuthentication.isCurrent = message.isCurrent;
        return;
      case "serving":
        return host.serve();
      case "connection":
        // It may have ended on its way here.
        if (socket)
          connections.take(
            message.port,
            socket,
            message.head === undefined ? undefined : Buffer.from(message.head, "base64"),
          );
        return;
      case "addresses":
        return names.put(message, message.hosts);
      case "forgotten":
        return names.forget(message);
      case "read-metrics":
        return link.tell({ type: "metrics", id: message.id, text: metrics() });
      case "ping":
        return link.tell({ type: "pong" });
      case "drain":
        return drain(message.idleMs);
      case "start":
      case "answer":
        return;
    }
  };
}
