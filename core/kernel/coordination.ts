import type { Coordination } from "#core/ports/coordination.ts";
import type { Alive, Part } from "./part.ts";

/** What an app's owners of actors and due times are kept in, as the app's parts see it. */
export interface CoordinationSource {
  /** False: actors are turned off, as in Dapr without a placement service. May change with the app's documents. */
  readonly actors: boolean;
  /** False: jobs are turned off, as in Dapr without a scheduler service. May change with the app's documents. */
  readonly jobs: boolean;
  /** `host:port` at which other runtimes reach the app. */
  readonly address: string;
  /** False where the database is one that only comes into being when something is put into it, and has not yet. */
  exists(): Promise<boolean>;
  /**
   * Runs once when another process has made a database that did not exist. Returns a function that ends the wait. Absent,
   * or it never runs: the target cannot tell.
   */
  onceThere?(run: () => void): () => void;
  /** Opens it, or joins those who have. Rejects with a reason that a user can act on. */
  open(): Promise<OpenedCoordination>;
  /**
   * Opens the database of this machine, where that is another one: hosts of actors announce themselves there, for callers
   * that share nothing else with them. `undefined` where it is the same, or has not come into being for a caller.
   */
  openDirectory(toAnnounce: boolean): Promise<OpenedCoordination | undefined>;
}
export interface OpenedCoordination {
  readonly port: Coordination;
  release(): Promise<void>;
}

/** The coordination of one app: opened with its first use, given back when the app ends. */
export interface AppCoordination extends Alive {
  readonly source: CoordinationSource | undefined;
  /** Rejects where there is none, or it cannot be opened; the next call tries again then. */
  open(): Promise<Coordination>;
  /** See `CoordinationSource.openDirectory`. */
  directory(toAnnounce: boolean): Promise<Coordination | undefined>;
  /** Runs before it is given back. */
  beforeClose(run: () => Promise<void>): void;
}

/** What is logged where actors or jobs are off and are asked for: callers only get Dapr's own error. */
export const howToTurnOn =
  'to turn them on, set --coordination (on Kubernetes: coordination.driver of the chart, or an actor state store in Redis, with actorStateStore: "true")';

export const appCoordination: Part<AppCoordination> = {
  name: "coordination",
  create: ({ coordination: source }) => {
    let opened: Promise<OpenedCoordination> | undefined;
    let directory: OpenedCoordination | undefined;
    const before: Array<() => Promise<void>> = [];
    return {
      source,
      open: async () => {
        if (!source) throw new Error("the app has no coordination");
        if (!opened) {
          const opening = (opened = source.open());
          opening.catch(() => {
            if (opened === opening) opened = undefined;
          });
        }
        return (await opened).port;
      },
      directory: async (toAnnounce) => {
        if (directory) return directory.port;
        const found = await source?.openDirectory(toAnnounce);
        // Opened twice at once: each is a lease of the same.
        if (directory) await found?.release();
        else directory = found;
        return directory?.port;
      },
      beforeClose: (run) => void before.push(run),
      close: async () => {
        await Promise.allSettled(before.splice(0).map((run) => run()));
        await (await opened?.catch(() => undefined))?.release();
        await directory?.release();
      },
    };
  },
};
