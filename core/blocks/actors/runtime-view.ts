import type { App } from "#core/kernel/app.ts";
import type { ActorRuntimeView } from "#core/kernel/actor-view.ts";
import type { Hosting } from "./app-actors.ts";
import { actorStore } from "./actor-store.ts";
import type { HostedTypes } from "./settings.ts";

export interface ActorRuntimeState {
  /** The app has been asked for its types. */
  readonly isBegun: boolean;
  /** The store of owners cannot be reached. */
  readonly isOut: boolean;
  readonly types: HostedTypes;
  readonly hosting: Pick<Hosting, "actors"> | undefined;
}

/** How actors fare, in the words of Dapr's metadata: there is no placement service, but a store of owners. */
export function actorRuntimeView(app: App, state: ActorRuntimeState): ActorRuntimeView {
  const { isBegun, isOut, types, hosting } = state;
  // Without a store for their state, types are listed but not hosted.
  const isHosting = types.size > 0 && actorStore(app) !== undefined;
  const activeActors = [...types.keys()].map((type) => {
    const count = hosting?.actors.get(type)?.count ?? 0;
    return count > 0 ? { type, count } : { type };
  });
  const isConnected = isBegun && !isOut && (!isHosting || hosting !== undefined);
  return {
    runtimeStatus: isBegun ? "RUNNING" : "INITIALIZING",
    ...(activeActors.length > 0 ? { activeActors } : {}),
    hostReady: isConnected,
    placement: !isBegun ? "" : isConnected ? "placement: connected" : "placement: disconnected",
  };
}
