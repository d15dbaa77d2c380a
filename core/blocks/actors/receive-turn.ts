import type { App } from "#core/kernel/app.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { localHosts } from "./local-hosts.ts";
import { outcomeResponse, readTurn } from "./routed-turn.ts";
import { ActorLeavingError } from "./turn-queue.ts";

/** Runs a turn that another runtime asks for, of an actor that it takes for one of the app's. Never rejects. */
export async function receiveTurn(
  services: RuntimeServices,
  callee: App,
  headers: HeaderList,
  body: Uint8Array,
  options: CallOptions,
): Promise<PlainResponse> {
  try {
    const { memberId, turn } = readTurn(headers, body);
    const local = services.part(localHosts).get(memberId);
    // The member has gone, or the connection is one to another app.
    const isCallee = local?.app.appId === callee.appId && local.app.namespace === callee.namespace;
    if (!local || !isCallee) throw new ActorLeavingError();
    return await local.run(turn, options, true);
  } catch (reason) {
    return outcomeResponse(reason);
  }
}
