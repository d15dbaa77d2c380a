import { access, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Log } from "#core/ports/platform.ts";
import type { CoordinationDriver, CoordinationSettings } from "#core/hosting/coordination.ts";

/** Where owners of actors and due times are kept, as a command line says it. */
export interface CoordinationFlags {
  /** False: as Dapr without a placement service. */
  readonly actors: boolean;
  /** False: as Dapr without a scheduler service. */
  readonly jobs: boolean;
  /** Runtimes of one group see each other. */
  readonly group: string;
  /** Absent: the actor state store, or else a file of this user on this machine. */
  readonly driver?: CoordinationDriver;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Says what of it is off, in words that Dapr's users search for. */
export function logWhatIsOff(
  { actors, jobs }: Partial<Pick<CoordinationFlags, "actors" | "jobs">>,
  log: Pick<Log, "info">,
): void {
  if (!actors) log.info("Actor runtime disabled: no placement address or --coordination is given");
  if (!jobs) log.info("Scheduler disabled: no scheduler address or --coordination is given");
}

/** The settings of an app that others reach at that address (`host:port`). */
export function coordinationOf(
  flags: CoordinationFlags,
  address: string,
  env: Env,
): CoordinationSettings {
  const file = embeddedFile(env);
  return {
    ...flags,
    address,
    embedded: {
      ...sqliteFile(file),
      exists: () =>
        access(file).then(
          () => true,
          () => false,
        ),
      prepare: async () => {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      },
    },
  };
}

export function sqliteFile(path: string): CoordinationDriver {
  return { type: "coordination.sqlite", metadata: { connectionstring: path } };
}

/** One file for all runtimes of a user, so that those started one by one find each other. */
export function embeddedFile(env: Env): string {
  const state = env["XDG_STATE_HOME"];
  const folder = state !== undefined && state !== "" ? state : join(homedir(), ".local/state");
  return join(folder, "outrigger", "coordination.db");
}
