import type { CallOptions } from "#core/ports/component.ts";
import type { HttpMiddleware, NextHandler, PipelineRequest } from "#core/ports/http-middleware.ts";
import type { PlainResponse } from "#core/ports/platform.ts";

/** Handlers in their order, the first outermost. */
export interface Pipeline {
  /** Rejects when a handler, or what stands at the end, does. */
  run(request: PipelineRequest, end: NextHandler, options: CallOptions): Promise<PlainResponse>;
}

export function createPipeline(
  handlers: readonly Pick<HttpMiddleware, "handle">[],
): Pipeline | undefined {
  if (handlers.length === 0) return undefined;
  return {
    run: (request, end, options) => {
      const step = (at: number, given: PipelineRequest): Promise<PlainResponse> => {
        const handler = handlers[at];
        return handler
          ? handler.handle(given, (changed) => step(at + 1, changed), options)
          : end(given);
      };
      return step(0, request);
    },
  };
}
