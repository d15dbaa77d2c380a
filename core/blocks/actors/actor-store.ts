import type { App, Loaded } from "#core/kernel/app.ts";
import type { StateStore } from "#core/ports/state-store.ts";
import { isTruthy } from "#core/util/truthy.ts";

/** The component that keeps the state of the app's actors; it says so itself. */
export function actorComponent(app: App): Loaded<"state"> | undefined {
  for (const { name, type } of app.components.loaded) {
    if (!type.startsWith("state.")) continue;
    const store = app.component("state", name);
    if (store && isTruthy(store.metadata["actorstatestore"] ?? "")) return store;
  }
  return undefined;
}

/** The state store that keeps the state of the app's actors. */
export function actorStore(app: App): StateStore | undefined {
  const store = actorComponent(app);
  return store && (store.unencrypted ?? store.port);
}
