import type { AppRef } from "#core/ports/platform.ts";
import type { ComponentDocument } from "#core/resources/component.ts";
import { lowerNames } from "#core/resources/values.ts";
import { isTruthy } from "#core/util/truthy.ts";
import { type CoordinationDriver, driverOfActorStore } from "./coordination.ts";
import { loadComponents, type LoadDeps, valuesOf } from "./load-components.ts";

/**
 * The driver that an app with these components would keep its owners and due times in, without opening any but the
 * secret stores that lead to its settings. `undefined` where no actor state store of them can keep any.
 */
export async function actorStoreDriver(
  app: AppRef,
  documents: readonly ComponentDocument[],
  deps: LoadDeps,
): Promise<CoordinationDriver | undefined> {
  const stores = documents.filter(isActorStore);
  const isSecretive = stores.some(({ spec }) => spec.metadata.some((pair) => pair.secretKeyRef));
  const names = new Set(stores.map(({ secretStore }) => secretStore));
  const secretStores = documents.filter(
    ({ name, spec }) => isSecretive && spec.type.startsWith("secretstores.") && names.has(name),
  );
  const opened = await loadComponents(app, secretStores, deps);
  try {
    const settings = await Promise.all(
      stores.map(async (document) => ({
        type: document.spec.type,
        metadata: lowerNames(await valuesOf(app, document, opened, deps.platform)),
      })),
    );
    return driverOfActorStore(settings, deps.registry);
  } finally {
    await opened.release();
  }
}

function isActorStore({ spec }: ComponentDocument): boolean {
  return (
    spec.type.startsWith("state.") &&
    spec.metadata.some(
      ({ name, value }) => name.toLowerCase() === "actorstatestore" && isTruthy(value ?? ""),
    )
  );
}
