import type { App } from "#core/kernel/app.ts";
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
  /** What the block runs for an app; made once for each, and started whenever the app is ready. */
  readonly forApp?: (app: App, services: RuntimeServices) => AppBlock;
}

/**
 * Runs while the app is ready to be called: from its start, or since it is healthy, until its end or until it is not. A
 * target may stop it in between (`AppInstance.allowOwning`).
 */
export interface AppBlock {
  /** Never rejects: what cannot be had is logged and tried again. */
  start(): Promise<void>;
  /** Other documents are in force. Never rejects. */
  follow?(): Promise<void>;
  /** Nothing calls the app any more when it resolves. May be started again. */
  stop(): Promise<void>;
}

export function defineBlock(block: Block): Block {
  return block;
}
