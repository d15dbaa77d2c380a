import { type Api, grpcApi } from "#core/access-control/api-lists.ts";
import type { Exemptions, Operation } from "#core/kernel/operation.ts";
import { encoderFor } from "./encode.ts";
import { type ResponseInit, type Rpc, type RpcDescriptor, type RpcKind, rpcs } from "./rpcs.ts";

/** All that is known of an rpc before it is called. */
export interface Bound<R extends Rpc = Rpc> extends RpcDescriptor {
  readonly api: Api;
  readonly exempt: Exemptions | undefined;
  encode(init: ResponseInit<R>): Uint8Array;
}

const ofBudget: Exemptions = { budget: true };

/** Throws where Dapr has no such rpc of that kind. */
export function bindRpc<R extends Rpc>(
  rpc: R,
  kind: RpcKind,
  { api, exempt }: Pick<Operation<never, unknown>, "api" | "exempt">,
): Bound<R> {
  const descriptor = rpcs.get(rpc);
  if (descriptor?.kind !== kind) throw new TypeError(`Dapr has no ${kind} rpc ${rpc}`);
  return {
    ...descriptor,
    api: grpcApi(api, rpc),
    // Only probes need no token, and they come over HTTP.
    exempt: exempt?.budget ? ofBudget : undefined,
    encode: encoderFor(descriptor.output) as Bound<R>["encode"],
  };
}
