import type { App } from "#core/kernel/app.ts";
import type { RuntimePart } from "#core/kernel/runtime-services.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { RoutedTurn, TurnAnswer } from "./routed-turn.ts";

/** A member of this process. */
export interface LocalHost {
  readonly app: App;
  /** Runs a turn of an actor that is this member's, or becomes it. */
  run(turn: RoutedTurn, options: CallOptions, isRemote: boolean): Promise<TurnAnswer>;
}
/** The members of this process, by their ids. */
export type LocalHosts = Map<string, LocalHost>;

export const localHosts: RuntimePart<LocalHosts> = {
  name: "actors.hosts",
  create: () => new Map(),
};
