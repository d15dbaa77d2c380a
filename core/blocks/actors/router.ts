import type { App } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { directoryOf, durableOf } from "#core/blocks/_shared/durable.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import { preferredMember } from "#core/ownership/rendezvous.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ActorKey, ActorMember } from "#core/ports/ownership.ts";
import { PermanentError } from "#core/resiliency/failure.ts";
import { createBackoff, type Pauses } from "#core/util/backoff.ts";
import { collect } from "#core/util/bounded-read.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { ActorMovedError } from "./claim-actor.ts";
import type { LocalHosts } from "./local-hosts.ts";
import { type RoutedTurn, throwOutcome, type TurnAnswer, turnRequest } from "./routed-turn.ts";
import { ActorLeavingError, StackDepthError } from "./turn-queue.ts";

/** Nobody hosts the actor's type. */
export class NoHostError extends Error {
  override readonly name = "NoHostError";
  constructor({ type, id }: Pick<ActorKey, "type" | "id">) {
    super(`did not find address for actor '${type}/${id}'`);
  }
}
/** The runtime that owns the actor could not be reached. */
class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}
/** True where no host has taken the turn, as between the death of one and the end of its lease. */
export function isUnhosted(reason: unknown): boolean {
  return (
    reason instanceof NoHostError ||
    reason instanceof UnreachableError ||
    reason instanceof ActorLeavingError ||
    reason instanceof ActorMovedError
  );
}
/** The app of another runtime was not reached, or its runtime would not call it. */
export class RemoteTurnError extends Error {
  override readonly name = "RemoteTurnError";
}

export interface RoutedAnswer extends TurnAnswer {
  /** True: another runtime has run the turn. */
  readonly isRemote: boolean;
}

const pauses: Pauses = { firstMs: 20, longestMs: 250 };
/** The lease of a host that has died, and time to start the actor elsewhere. */
const patienceMs = 10_000;

/**
 * Runs a turn wherever its actor is, for one of the app's namespace. It follows an actor that moves, and waits for one
 * whose host has died. Rejects with `NoHostError`, `StackDepthError`, or with why the app was not reached.
 */
export async function routeTurn(
  from: App,
  turn: RoutedTurn,
  services: RuntimeServices,
  locals: LocalHosts,
  options: CallOptions,
): Promise<RoutedAnswer> {
  const { clock } = services.platform;
  const { membership } = await durableOf(from, services);
  const { type, id } = turn.actor;
  const key: ActorKey = { namespace: from.namespace, type, id };
  membership.touch();
  const until = clock.monotonic() + patienceMs;
  let owner: ActorMember | undefined;
  const backoff = createBackoff(pauses);
  for (let moves = 0; ;) {
    owner ??= preferredMember(membership.hostsOf(key.namespace, type), key);
    if (!owner) {
      await membership.refresh(options);
      owner =
        preferredMember(membership.hostsOf(key.namespace, type), key) ??
        (await announcedHost(from, key, services, options));
      if (!owner) throw new NoHostError(key);
    }
    try {
      return await runAt(owner, from, turn, services, locals, options);
    } catch (reason) {
      options.signal.throwIfAborted();
      const isElsewhere = reason instanceof ActorMovedError;
      const mayReturn = reason instanceof ActorLeavingError || reason instanceof UnreachableError;
      if (!(isElsewhere || mayReturn) || clock.monotonic() > until) throw reason;
      owner = isElsewhere ? reason.owner : undefined;
      // The first move is followed at once; runtimes that do not agree yet need time.
      if (moves++ === 0 && isElsewhere) continue;
      await clock.sleep(backoff.next(), options);
      await membership.refresh(options).catch(() => {});
    }
  }
}

/** A host that keeps its owners elsewhere, and says who owns the actor. */
async function announcedHost(
  from: App,
  key: ActorKey,
  services: RuntimeServices,
  options: CallOptions,
): Promise<ActorMember | undefined> {
  const directory = await directoryOf(from, services, false);
  if (!directory) return undefined;
  directory.membership.touch();
  await directory.membership.refresh(options);
  return preferredMember(directory.membership.hostsOf(key.namespace, key.type), key);
}

async function runAt(
  owner: ActorMember,
  from: App,
  turn: RoutedTurn,
  { platform: { peers } }: RuntimeServices,
  locals: LocalHosts,
  options: CallOptions,
): Promise<RoutedAnswer> {
  const local = locals.get(owner.id);
  if (local) return { ...(await local.run(turn, options, false)), isRemote: false };
  const channel = peers?.at?.(owner.address, owner, from);
  if (!channel) throw new UnreachableError(`no way to ${owner.address}`);
  let answer;
  try {
    answer = await channel.send(turnRequest(owner.id, turn), options);
  } catch (reason) {
    if (reason instanceof PermanentError) throw new RemoteTurnError(messageOf(reason.cause));
    throw new UnreachableError(messageOf(reason), { cause: reason });
  }
  try {
    throwOutcome(answer.headers);
  } catch (reason) {
    if (
      reason instanceof ActorMovedError ||
      reason instanceof ActorLeavingError ||
      reason instanceof StackDepthError
    )
      throw reason;
    throw new RemoteTurnError(messageOf(reason));
  }
  const { status, headers, body = "" } = answer;
  const bytes =
    body instanceof ReadableStream ? await collect(body, from.limits.maxBodyBytes) : bytesOf(body);
  return { status, headers, body: bytes, isRemote: true };
}
