import type { Log } from "#core/ports/platform.ts";
import type { Documents, UnreadFile } from "#core/hosting/reload/documents.ts";
import { problemText } from "#core/resources/read-document.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type ReadObjects, toResources } from "#k8s/operator/to-resources.ts";
import { appDocuments } from "../app-documents.ts";
import type { PodRecord } from "../messages.ts";

/** The documents of the namespaces that a group hosts, as its apps see them. */
export interface GroupDocuments {
  /** Answers which of them cannot be used. */
  put(namespace: string, objects: readonly KubeObject[]): readonly UnreadFile[];
  of(pod: Pick<PodRecord, "namespace" | "settings">): Documents;
}

const none: ReadObjects = { resources: [], unread: [], problems: [] };

export function createGroupDocuments(log: Log): GroupDocuments {
  const byNamespace = new Map<string, ReadObjects>();
  const told = new Set<string>();
  return {
    put: (namespace, objects) => {
      const read = toResources(objects);
      for (const problem of read.problems) log.warn(problemText(problem), { namespace });
      byNamespace.set(namespace, read);
      return read.unread;
    },
    of: ({ namespace, settings }) => {
      const { config, disableBuiltinSecretStore } = settings;
      const owner = { namespace, config, hasBuiltInStore: !disableBuiltinSecretStore };
      const documents = appDocuments(byNamespace.get(namespace) ?? none, owner);
      const key = `${namespace}/${config}`;
      if (documents.hasConfiguration) told.delete(key);
      else if (!told.has(key)) {
        told.add(key);
        log.warn(
          `There is no Configuration "${config}" that can be used in namespace "${namespace}"; the defaults count until there is`,
          { namespace },
        );
      }
      return documents;
    },
  };
}
