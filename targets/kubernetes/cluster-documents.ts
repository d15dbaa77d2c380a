import type { Log } from "#core/ports/platform.ts";
import type { Documents } from "#core/hosting/reload/documents.ts";
import { problemText } from "#core/resources/read-document.ts";
import { within } from "#core/util/time-limit.ts";
import { findAccess } from "#k8s/api/access.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { watchDocuments } from "#k8s/operator/documents.ts";
import { toResources } from "#k8s/operator/to-resources.ts";
import { clock, holdingClock } from "#targets/node/clock.ts";
import type { DocumentSource } from "#targets/node/options.ts";
import { appDocuments, type DocumentsOwner } from "./app-documents.ts";

/** Rights may come late, with a RoleBinding; a cluster that never gives them is a start that has failed. */
const startMs = 60_000;

/** The documents of a pod's own namespace, read as the pod's service account: `outrigger sidecar --mode kubernetes`. */
export async function clusterDocuments(
  owner: DocumentsOwner,
  { log, env }: { readonly log: Log; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<DocumentSource> {
  const client = openClient(await findAccess({ env }));
  const stop = new AbortController();
  const watched = watchDocuments(client, { log, clock, signal: stop.signal });
  const { namespace } = owner;
  watched.add(namespace);
  const close = async (): Promise<void> => {
    stop.abort();
    watched[Symbol.dispose]();
    await client[Symbol.asyncDispose]();
  };
  const late = (): Error =>
    new Error(
      `Cannot read the dapr.io resources of namespace "${namespace}" from ${client.server}; name the namespace in the chart's sidecars.namespaces, or bind the ClusterRole outrigger-view to the pod's service account`,
    );
  try {
    // Nothing else keeps the process alive between two tries to reach the API server.
    await within(holdingClock, startMs, {}, () => watched.synced(namespace), late);
  } catch (reason) {
    await close();
    throw reason;
  }
  return {
    read: async (): Promise<Documents> => {
      const read = toResources(watched.documentsOf(namespace));
      for (const problem of read.problems) log.warn(problemText(problem));
      const documents = appDocuments(read, owner);
      if (!documents.hasConfiguration)
        throw new Error(
          `There is no Configuration "${owner.config}" that can be used in namespace "${namespace}"`,
        );
      return documents;
    },
    onChange: (run) => watched.onChange(run),
    close,
  };
}
