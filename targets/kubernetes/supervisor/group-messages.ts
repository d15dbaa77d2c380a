import type { ComponentStatus } from "#k8s/operator/component-status.ts";
import type { WatchedDocuments } from "#k8s/operator/documents.ts";
import { originOf } from "#k8s/operator/to-resources.ts";
import type { FromGroup, PodRecord, Questions, ToGroup } from "../messages.ts";
import type { ClusterAnswer, AskingGroup } from "./cluster-questions.ts";
import { createComponentReports } from "./component-reports.ts";
import type { Warn } from "./duplicates.ts";

export interface GroupMessageDeps {
  readonly documents: Pick<WatchedDocuments, "documentsOf">;
  readonly status: ComponentStatus;
  readonly warn: Warn;
  answer(
    asker: AskingGroup,
    question: keyof Questions,
    about: Questions[keyof Questions],
  ): Promise<ClusterAnswer>;
  podOf(uid: string): PodRecord | undefined;
  onMetrics(message: Extract<FromGroup, { readonly type: "metrics" }>): void;
}
/** What is made of what the groups say. */
export interface GroupMessages {
  handle(group: AskingGroup, message: FromGroup, tell: (answer: ToGroup) => void): void;
  /** The pod is gone, and with it what was said of it. */
  forget(uid: string): void;
  /** The documents of the namespace are others now. */
  documentsChanged(namespace: string): void;
  /** The last pod of the namespace has left. */
  namespaceGone(namespace: string): void;
}

export function createGroupMessages(deps: GroupMessageDeps): GroupMessages {
  const { documents, status, warn, podOf } = deps;
  const reports = createComponentReports(status);
  /** What is built in has no document to carry a status. */
  const isWritten = (namespace: string): ((component: string) => boolean) => {
    const names = documents
      .documentsOf(namespace)
      .flatMap(({ kind, metadata }) => (kind === "Component" ? [metadata.name] : []));
    const all = new Set(names);
    return (component) => all.has(component);
  };
  /** A group says nothing of the pods of others. */
  const ownPod = ({ namespaces }: AskingGroup, uid: string): PodRecord | undefined => {
    const pod = podOf(uid);
    return pod && namespaces.has(pod.namespace) ? pod : undefined;
  };
  return {
    handle: (group, message, tell) => {
      switch (message.type) {
        case "ask":
          void deps
            .answer(group, message.question, message.about)
            .then((answer) => tell({ type: "answer", id: message.id, ...answer }));
          return;
        case "metrics":
          return deps.onMetrics(message);
        case "components": {
          const pod = ownPod(group, message.uid);
          if (!pod) return;
          const isOurs = isWritten(pod.namespace);
          return reports.take(
            pod,
            message.components.filter(({ name }) => isOurs(name)),
          );
        }
        case "unread": {
          if (!group.namespaces.has(message.namespace)) return;
          const why = new Map(message.documents.map((each) => [each.file, each.why]));
          for (const object of documents.documentsOf(message.namespace))
            status.invalid(object, why.get(originOf(object)));
          return;
        }
        case "hosted": {
          const pod = ownPod(group, message.uid);
          if (pod && message.error !== undefined) warn(pod, "AppNotHosted", message.error);
          return;
        }
        case "started":
        case "pong":
        case "drained":
          return;
      }
    },
    forget: reports.forget,
    documentsChanged: (namespace) => status.documents(namespace, documents.documentsOf(namespace)),
    namespaceGone: (namespace) => status.namespaceGone(namespace),
  };
}
