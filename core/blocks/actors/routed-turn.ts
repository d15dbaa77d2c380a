import type { ActorCall, ActorName, ActorReminder, ActorTick } from "#core/ports/actor-host.ts";
import type { HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import type { ActorMember } from "#core/ports/ownership.ts";
import { headerOf } from "#core/util/header-list.ts";
import { ActorMovedError } from "./claim-actor.ts";
import { ActorLeavingError, StackDepthError } from "./turn-queue.ts";

/** A turn on its way to whoever owns the actor. */
export type RoutedTurn = { readonly actor: ActorName } & (
  | { readonly kind: "invoke"; readonly call: ActorCall }
  | { readonly kind: "remind"; readonly reminder: ActorReminder }
  | {
      readonly kind: "tick";
      readonly tick: ActorTick;
      /** Asked as its turn begins, on the runtime whose timer it is; false: the app is not called. */
      isWanted?(): boolean;
    }
);
/** A timer is registered, or not any more. */
export interface TimerChange {
  readonly name: string;
  readonly registered?: ActorTick & { readonly ttl: string };
}
/** What came of it: the app's answer, its body read. */
export interface TurnAnswer extends Pick<PlainResponse, "status" | "headers"> {
  readonly body: Uint8Array;
}

/** On a request from runtime to runtime: it is a turn, and of which member it is asked. */
export const turnHeader = "outrigger-actor-turn";
/** On the answer to one: there was no answer of the app, and why. */
const outcomeHeader = "outrigger-actor-outcome";

type Head = { readonly memberId: string; readonly actor: ActorName } & (
  | { readonly kind: "invoke"; readonly method: string; readonly query: string }
  | { readonly kind: "remind"; readonly name: string; readonly hasData: boolean }
  | { readonly kind: "tick"; readonly tick: Omit<ActorTick, "data">; readonly hasData: boolean }
  | { readonly kind: "timer" }
);
type Outcome =
  | { readonly kind: "moved"; readonly owner: ActorMember }
  | { readonly kind: "leaving" }
  | { readonly kind: "depth" }
  | { readonly kind: "failed"; readonly message: string };

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const written = (value: unknown): string =>
  encodeURIComponent(JSON.stringify(value).toWellFormed());
const read = (text: string): unknown => JSON.parse(decodeURIComponent(text));

/** The request by which another runtime is asked for the turn. */
export function turnRequest(memberId: string, turn: RoutedTurn): PlainRequest {
  const { actor } = turn;
  if (turn.kind === "remind") {
    const { name, data } = turn.reminder;
    const hasData = data !== undefined;
    return requestOf({ memberId, actor, kind: "remind", name, hasData }, [], data ?? "");
  }
  if (turn.kind === "tick") {
    const { data, ...tick } = turn.tick;
    const hasData = data !== undefined;
    return requestOf({ memberId, actor, kind: "tick", tick, hasData }, [], data ?? "");
  }
  const { method, query, headers, body } = turn.call;
  return requestOf({ memberId, actor, kind: "invoke", method, query }, headers, body ?? "");
}
/** The request by which another runtime is asked to change a timer of an actor that it owns. */
export function timerRequest(
  memberId: string,
  actor: ActorName,
  change: TimerChange,
): PlainRequest {
  return requestOf({ memberId, actor, kind: "timer" }, [], JSON.stringify(change));
}
function requestOf(head: Head, headers: HeaderList, body: Uint8Array | string): PlainRequest {
  return {
    method: "POST",
    path: "/",
    headers: [...headers, turnHeader, written(head)],
    body: typeof body === "string" ? encoder.encode(body) : body,
  };
}

/** What such a request asks for. Throws for what no runtime would send. */
export function readTurn(
  headers: HeaderList,
  body: Uint8Array,
): { readonly memberId: string } & (
  | { readonly turn: RoutedTurn; readonly timer?: undefined }
  | { readonly turn?: undefined; readonly actor: ActorName; readonly timer: TimerChange }
) {
  const head = read(headerOf(headers, turnHeader) ?? "") as Head;
  const { memberId, actor } = head;
  if (head.kind === "timer")
    return { memberId, actor, timer: JSON.parse(decoder.decode(body)) as TimerChange };
  if (head.kind !== "invoke") {
    const data = head.hasData ? decoder.decode(body) : undefined;
    const turn: RoutedTurn =
      head.kind === "tick"
        ? { actor, kind: "tick", tick: { ...head.tick, data } }
        : { actor, kind: "remind", reminder: { name: head.name, data } };
    return { memberId, turn };
  }
  const { method, query } = head;
  const others: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i] !== turnHeader) others.push(headers[i] as string, headers[i + 1] as string);
  return {
    memberId,
    turn: {
      actor,
      kind: "invoke",
      call: { method, query, headers: others, body: body.byteLength > 0 ? body : undefined },
    },
  };
}

/** What goes back in place of the app's answer. */
export function outcomeResponse(reason: unknown): PlainResponse {
  const outcome: Outcome =
    reason instanceof ActorMovedError
      ? { kind: "moved", owner: reason.owner }
      : reason instanceof ActorLeavingError
        ? { kind: "leaving" }
        : reason instanceof StackDepthError
          ? { kind: "depth" }
          : { kind: "failed", message: reason instanceof Error ? reason.message : String(reason) };
  return { status: 200, headers: [outcomeHeader, written(outcome)] };
}

/** Throws what the other runtime has said in place of an answer. */
export function throwOutcome(headers: HeaderList): void {
  const text = headerOf(headers, outcomeHeader);
  if (text === undefined) return;
  const outcome = read(text) as Outcome;
  switch (outcome.kind) {
    case "moved":
      throw new ActorMovedError(outcome.owner);
    case "leaving":
      throw new ActorLeavingError();
    case "depth":
      throw new StackDepthError();
    case "failed":
      throw new Error(outcome.message);
  }
}
