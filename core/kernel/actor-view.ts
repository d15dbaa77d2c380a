import type { Alive, Part } from "./part.ts";

/** Actors as `GET /v1.0/metadata` shows them. */
export interface ActorRuntimeView {
  readonly runtimeStatus: "INITIALIZING" | "DISABLED" | "RUNNING";
  /** Every hosted type; `count` of those that are active is left out where it is 0. */
  readonly activeActors?: ReadonlyArray<{ readonly type: string; readonly count?: number }>;
  readonly hostReady: boolean;
  readonly placement: string;
}

/** As in Dapr without a placement service. */
export const actorsDisabled: ActorRuntimeView = {
  runtimeStatus: "DISABLED",
  hostReady: false,
  placement: "placement: disconnected",
};

/** Who can tell; until somebody can, actors are turned off. */
export const actorView: Part<Alive & { show: () => ActorRuntimeView }> = {
  name: "actors.view",
  create: () => ({
    show: () => actorsDisabled,
  }),
};
