import type { Log } from "#core/ports/platform.ts";
import type { CoordinationDriver, CoordinationSettings } from "#core/hosting/coordination.ts";
import { embeddedCoordination } from "./embedded-coordination.ts";

/** Where owners of actors and due times are kept, as a command line says it. */
export interface CoordinationFlags {
  /** False: as Dapr without a placement service. */
  readonly actors: boolean;
  /** False: as Dapr without a scheduler service. */
  readonly jobs: boolean;
  /** Runtimes of one group see each other. */
  readonly group: string;
  /** Absent: the actor state store, or else the file. */
  readonly driver?: CoordinationDriver;
  /** False: there is no file of this user on this machine that could keep them. */
  readonly hasFile: boolean;
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
  { hasFile, ...flags }: CoordinationFlags,
  address: string,
  env: Env,
): CoordinationSettings {
  if (!hasFile) return { ...flags, address };
  return { ...flags, address, embedded: embeddedCoordination(env) };
}

export function sqliteFile(path: string): CoordinationDriver {
  return { type: "coordination.sqlite", metadata: { connectionstring: path } };
}
