import type { App } from "#core/kernel/app.ts";
import type { ActorHost, ActorName } from "#core/ports/actor-host.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { unguarded } from "#core/resiliency/guard.ts";
import { collect } from "#core/util/bounded-read.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { headerOf } from "#core/util/header-list.ts";
import { pushAppToken } from "#core/wire/http/metadata-headers.ts";
import type { Hosting } from "./app-actors.ts";
import type { RoutedTurn, TurnAnswer } from "./routed-turn.ts";
import { ActorLeavingError } from "./turn-queue.ts";

export const reentrancyHeader = "dapr-reentrancy-id";

/** Runs a turn on this host: waits for it, calls the app, and reads its answer while the actor is still its own. */
export async function runTurn(
  app: App,
  { actors, host, types }: Pick<Hosting, "actors" | "host" | "types">,
  turn: RoutedTurn,
  options: CallOptions,
  isRemote: boolean,
): Promise<TurnAnswer> {
  const { type, id } = turn.actor;
  const table = actors.get(type);
  if (!table) throw new ActorLeavingError();
  const isReentrant = types.get(type)?.maxStackDepth !== undefined;
  const chain =
    isReentrant && turn.kind === "invoke"
      ? (headerOf(turn.call.headers, reentrancyHeader) ?? crypto.randomUUID())
      : undefined;
  const during = app.policies.resiliency?.actorDuring(type) ?? unguarded;
  return table.turn(
    id,
    (_actor, limited) =>
      during(
        async (within) => whole(await call(app, host, turn, within, isRemote, chain), app),
        limited,
      ),
    options,
    chain,
  );
}

const notWanted: Promise<PlainResponse> = Promise.resolve({ status: 200, headers: [] });

function call(
  app: App,
  host: ActorHost,
  turn: RoutedTurn,
  options: CallOptions,
  isRemote: boolean,
  chain: string | undefined,
): Promise<PlainResponse> {
  const actor: ActorName = turn.actor;
  if (turn.kind === "remind") return host.remind(actor, turn.reminder, options);
  if (turn.kind === "tick")
    return turn.isWanted?.() === false ? notWanted : host.tick(actor, turn.tick, options);
  const headers: string[] = [];
  const given = turn.call.headers;
  for (let i = 0; i < given.length; i += 2) {
    const name = given[i] as string;
    if (chain !== undefined && name.toLowerCase() === reentrancyHeader) continue;
    headers.push(name, given[i + 1] as string);
  }
  if (chain !== undefined) headers.push("Dapr-Reentrancy-Id", chain);
  if (isRemote) headers.push("X-Dapr-Remote", "true");
  pushAppToken(headers, app);
  return host.invoke(actor, { ...turn.call, headers }, options);
}

async function whole({ status, headers, body = "" }: PlainResponse, app: App): Promise<TurnAnswer> {
  const bytes =
    body instanceof ReadableStream ? await collect(body, app.limits.maxBodyBytes) : bytesOf(body);
  return { status, headers, body: bytes };
}
