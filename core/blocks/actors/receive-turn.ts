import type { App } from "#core/kernel/app.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { localHosts } from "./local-hosts.ts";
import { outcomeResponse, readTurn } from "./routed-turn.ts";
import { changeTimer } from "./timer-operations.ts";
import { ActorLeavingError } from "./turn-queue.ts";

export interface TurnResponse extends PlainResponse {
  /** True where no such member is in this process: it has left, or another process listens on the same port. */
  readonly isStray: boolean;
}

/** Runs a turn that another runtime asks for, of an actor that it takes for one of the app's. Never rejects. */
export async function receiveTurn(
  services: RuntimeServices,
  callee: App,
  headers: HeaderList,
  body: Uint8Array,
  options: CallOptions,
): Promise<TurnResponse> {
  try {
    const asked = readTurn(headers, body);
    const { memberId } = asked;
    const local = services.part(localHosts).get(memberId);
    // The member has gone, or the connection is one to another app.
    const isCallee = local?.app.appId === callee.appId && local.app.namespace === callee.namespace;
    if (!local || !isCallee) return { ...outcomeResponse(new ActorLeavingError()), isStray: true };
    if (asked.turn) return { ...(await local.run(asked.turn, options, true)), isStray: false };
    changeTimer(callee, asked.actor, asked.timer, services);
    return { status: 200, headers: [], isStray: false };
  } catch (reason) {
    return { ...outcomeResponse(reason), isStray: false };
  }
}
