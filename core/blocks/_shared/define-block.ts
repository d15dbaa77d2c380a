import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";

/**
 * One building block of the API as hosting sees it. `npm run gen` lists every `core/blocks/<name>/block.ts` that exports
 * one as `block`, and the `<name>Grpc` of every `grpc.ts` beside it. gRPC is not named here: a target that does not
 * speak it must not ship it.
 */
export interface Block {
  /** As its folder is called. */
  readonly name: string;
  /** Bind the block's HTTP routes. */
  readonly http: ReadonlyArray<(routes: HttpRoutes, services: RuntimeServices) => void>;
}

export function defineBlock(block: Block): Block {
  return block;
}
