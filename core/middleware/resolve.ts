import type { HttpMiddleware } from "#core/ports/http-middleware.ts";
import type { Log } from "#core/ports/platform.ts";
import type { PipelineHandler } from "#core/resources/pipeline.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";
import { textResponse } from "./text-response.ts";

/** An app's components as far as they are middleware. */
interface Middlewares {
  get(
    kind: "middleware.http",
    name: string,
  ):
    | {
        readonly type: string;
        readonly version: string;
        readonly port: Pick<HttpMiddleware, "handle">;
      }
    | undefined;
  readonly failed: ReadonlyArray<{ readonly name: string; readonly ignored: boolean }>;
}

/** The pipeline of one app; `undefined` when nothing is in it. */
export function resolvePipeline(
  section: "httpPipeline" | "appHttpPipeline",
  handlers: readonly PipelineHandler[],
  components: Middlewares,
  log: Log,
): Pipeline | undefined {
  return createPipeline(
    handlers.flatMap((handler) => {
      const found = components.get("middleware.http", handler.name);
      if (found && isSame(found, handler)) return [found.port];
      const where = `${section}: handler ${handler.name} (${handler.type}/${handler.version})`;
      const failed = components.failed.find(({ name }) => name === handler.name);
      if (failed && !failed.ignored) {
        // daprd would not have started. Where the others go on without this app's component, its gate stays shut.
        log.error(`${where} did not start, so every request is refused`);
        return [shut];
      }
      // Dapr: a handler that is not loaded (not there, out of scope, ignored errors) is left out.
      log.warn(`${where} is not loaded and has no effect`);
      return [];
    }),
  );
}

function isSame(
  found: { readonly type: string; readonly version: string },
  { type, version }: PipelineHandler,
): boolean {
  return found.type.toLowerCase() === type.toLowerCase() && found.version === version;
}

const shut: Pick<HttpMiddleware, "handle"> = { handle: async () => textResponse(500) };
