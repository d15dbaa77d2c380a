import type { Cli } from "./cli.ts";
import { coordinationNotes, coordinationTable } from "./database-flags.ts";
import { type Flag, UsageError } from "./flags.ts";
import { withFlags } from "./with-flags.ts";

const usage = `Usage: outrigger actors                   List the hosts of each actor type, and how many actors they own
       outrigger actors <type> <id>       Show which host owns an actor
`;
const flagTable: readonly Flag[] = [
  {
    name: "namespace",
    type: "text",
    short: "n",
    about: "Namespace of the apps; if not set, all for a list, and NAMESPACE for an actor",
  },
  ...coordinationTable,
];
const notes = `${coordinationNotes}
Only actors that are active have an owner. If no host owns the actor, the exit code is 1.
`;

/** `outrigger actors`; resolves with the exit code. */
export function actors(args: readonly string[], cli: Cli): Promise<number> {
  const help = { command: "actors", usage, notes, table: flagTable };
  return withFlags(help, args, cli, async (flags, [type, id, more]) => {
    if (more !== undefined)
      throw new UsageError(`"actors" takes a type and an id; remove ${JSON.stringify(more)}`);
    if (type !== undefined && id === undefined)
      throw new UsageError("Specify the id of the actor too: outrigger actors <type> <id>");
    const { showHosts, showOwner } = await import("./actors-show.ts");
    const { withCoordination } = await import("./open-coordination.ts");
    return withCoordination(flags, cli, undefined, (call) =>
      type === undefined || id === undefined ? showHosts(call) : showOwner(call, type, id),
    );
  });
}
