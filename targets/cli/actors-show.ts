import type { ActorMember } from "#core/ports/ownership.ts";
import { compareRows, table } from "#k8s/inspect/table.ts";
import { namespaceOf } from "./database-flags.ts";
import { type CoordinationCall, reportNothing } from "./open-coordination.ts";
import { isJson, printFacts, printJson } from "./print.ts";

interface HostRow {
  readonly type: string;
  readonly namespace: string;
  readonly appId: string;
  readonly address: string;
  readonly active: number;
  readonly member: string;
}

export async function showHosts(call: CoordinationCall): Promise<number> {
  const { flags, cli, hint, coordination } = call;
  const rows = coordination ? await hostRows(call, coordination) : [];
  if (isJson(flags)) printJson(cli, rows);
  else if (rows.length > 0)
    cli.out(
      table(
        ["TYPE", "NAMESPACE", "APP", "ADDRESS", "ACTIVE", "MEMBER"],
        rows.map((row) => [
          row.type,
          row.namespace,
          row.appId,
          row.address,
          String(row.active),
          row.member,
        ]),
      ),
    );
  else if (coordination) reportNothing(call, "No running app hosts actors");
  // Hosts that keep owners elsewhere announce themselves in the database of the user.
  if (hint !== undefined && rows.some(({ active }) => active === 0)) cli.err(`${hint}\n`);
  return 0;
}

async function hostRows(
  { flags, options }: CoordinationCall,
  { ownership }: NonNullable<CoordinationCall["coordination"]>,
): Promise<readonly HostRow[]> {
  const wanted = flags.text("namespace");
  const [members, counts] = await Promise.all([
    ownership.renew([], 0, options()),
    ownership.counts(options()),
  ]);
  return members
    .filter(({ namespace }) => wanted === "" || named(namespace) === wanted)
    .flatMap((member) => {
      const own = new Map(
        counts
          .filter(({ memberId }) => memberId === member.id)
          .map(({ type, actors: active }) => [type, active]),
      );
      return [...new Set([...member.types, ...own.keys()])].map((type) => ({
        type,
        ...placeOf(member),
        active: own.get(type) ?? 0,
        member: member.id,
      }));
    })
    .sort((a, b) => compareRows(orderOf(a), orderOf(b)));
}

export async function showOwner(call: CoordinationCall, type: string, id: string): Promise<number> {
  const { flags, cli, coordination, options } = call;
  const namespace = namespaceOf(flags, cli);
  for (const each of named(namespace) === "default" ? ["", "default"] : [namespace]) {
    const claim = await coordination?.ownership.ownerOf({ namespace: each, type, id }, options());
    if (!claim) continue;
    const { owner, fence } = claim;
    const { namespace: of, ...place } = placeOf(owner);
    if (isJson(flags))
      printJson(cli, { type, id, namespace: of, ...place, member: owner.id, fence });
    else
      printFacts(cli, [
        ["Actor", `${type}/${id}`],
        ["Namespace", of],
        ["App", place.appId],
        ["Address", place.address],
        ["Member", owner.id],
        ["Fence", String(fence)],
      ]);
    return 0;
  }
  if (coordination)
    reportNothing(call, `No host owns actor ${type}/${id} in namespace ${named(namespace)}`);
  return 1;
}

function placeOf({
  namespace,
  appId,
  address,
}: ActorMember): Pick<HostRow, "namespace" | "appId" | "address"> {
  return { namespace: named(namespace), appId, address };
}
/** An app without a namespace is in Dapr's default one. */
function named(namespace: string): string {
  return namespace || "default";
}

function orderOf(row: HostRow): readonly string[] {
  return [row.type, row.namespace, row.appId, row.address, row.member];
}
