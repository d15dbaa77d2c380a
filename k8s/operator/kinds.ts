import { messageOf } from "#core/errors/component-error.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { type KubeClient, KubeError } from "#k8s/api/client.ts";

/** A kind of dapr.io that runtimes read. */
export interface DocumentKind {
  readonly kind: string;
  readonly plural: string;
  /** Newest first; one is read, and holds what was written in any. */
  readonly versions: readonly string[];
}
export const documentKinds: readonly DocumentKind[] = [
  { kind: "Configuration", plural: "configurations", versions: ["v1alpha1"] },
  { kind: "Component", plural: "components", versions: ["v1alpha1"] },
  { kind: "Resiliency", plural: "resiliencies", versions: ["v1alpha1"] },
  { kind: "HTTPEndpoint", plural: "httpendpoints", versions: ["v1alpha1"] },
  { kind: "Subscription", plural: "subscriptions", versions: ["v2alpha1", "v1alpha1"] },
];

/** The version of a kind that the cluster serves, newest first; kinds that it does not serve are left out. */
export type ServedKinds = ReadonlyMap<DocumentKind, string>;

/** While a kind is missing, its CustomResourceDefinition may come any time. */
const missingMs = 30_000;
const retries: Pauses = { firstMs: 500, longestMs: missingMs };

/**
 * Tells which kinds the cluster serves, at once and each time that there are more. Ends when all are there, or with
 * the signal; a server that does not answer is asked again.
 */
export async function followKinds(
  client: KubeClient,
  told: (served: ServedKinds) => void,
  {
    log,
    clock,
    signal,
  }: { readonly log: Log; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const complained = new Set<string>();
  let known: string | undefined;
  const backoff = createBackoff(retries);
  for (;;) {
    let pause = missingMs;
    try {
      const served = await readKinds(client, signal);
      backoff.reset();
      const all = [...served].map(([{ plural }, version]) => `${plural}/${version}`).join();
      if (all !== known) told(served);
      known = all;
      if (documentKinds.every((kind) => served.get(kind) === kind.versions[0])) return;
      for (const each of documentKinds) {
        if (served.has(each) || complained.has(each.kind)) continue;
        complained.add(each.kind);
        log.warn(
          `The cluster has no ${each.plural}.dapr.io: there are no documents of the kind ${each.kind} until its CustomResourceDefinition is installed`,
        );
      }
    } catch (reason) {
      if (signal.aborted) return;
      const key = reason instanceof KubeError ? String(reason.code) : "other";
      if (!complained.has(key))
        log.warn(`Cannot tell which kinds of dapr.io the cluster has: ${messageOf(reason)}`);
      complained.add(key);
      pause = backoff.next();
    }
    try {
      await clock.sleep(pause, { signal });
    } catch {
      return;
    }
  }
}

interface ResourceList {
  readonly resources?: ReadonlyArray<{ readonly name?: unknown }>;
}

async function readKinds(client: KubeClient, signal: AbortSignal): Promise<ServedKinds> {
  const served = new Map<DocumentKind, string>();
  const versions = [...new Set(documentKinds.flatMap((kind) => kind.versions))];
  const names = new Map(
    await Promise.all(
      versions.map(async (version) => [version, await readNames(client, version, signal)] as const),
    ),
  );
  for (const kind of documentKinds) {
    const version = kind.versions.find((each) => names.get(each)?.has(kind.plural));
    if (version !== undefined) served.set(kind, version);
  }
  return served;
}

async function readNames(
  client: KubeClient,
  version: string,
  signal: AbortSignal,
): Promise<ReadonlySet<unknown>> {
  try {
    const { resources } = await client.request<ResourceList>("GET", `/apis/dapr.io/${version}`, {
      signal,
    });
    return new Set((Array.isArray(resources) ? resources : []).map((each) => each?.name));
  } catch (reason) {
    if (reason instanceof KubeError && reason.code === 404) return new Set();
    throw reason;
  }
}
