import type { Cli } from "./cli.ts";
import type { Flag, Flags } from "./flags.ts";
import { outputFlag } from "./print.ts";

/** Flags of commands that read where runtimes keep owners of actors and due times. */
export const coordinationTable: readonly Flag[] = [
  {
    name: "coordination",
    type: "text",
    about: "Database of the runtimes, as they get it: sqlite:FILE or redis:HOST:PORT",
  },
  {
    name: "resources-path",
    short: "d",
    aliases: ["components-path"],
    type: "list",
    about: "Folder with the resources of the app, whose actor state store is the database",
  },
  {
    name: "placement-host-address",
    type: "text",
    about: "Group of the runtimes: the address that they get, if they get one",
  },
  { name: "scheduler-host-address", type: "list", about: "Accepted, and has no effect" },
  outputFlag,
  { name: "help", type: "boolean", short: "h", about: "Print this help" },
];
export const coordinationNotes = `The database is found as "outrigger run" finds it: --coordination, or else the actor state store of the resources
(--resources-path, ~/.dapr/components, or .outrigger/state.db in this folder), or else the database of this user.
`;

/** The namespace that apps have which this environment starts, if no flag names another. */
export function namespaceOf(flags: Flags, cli: Pick<Cli, "env">): string {
  return flags.text("namespace") || (cli.env["NAMESPACE"] ?? "");
}
