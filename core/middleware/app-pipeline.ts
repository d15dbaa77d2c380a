import type { PipelineRequest } from "#core/ports/http-middleware.ts";
import type { AppChannel, PlainRequest } from "#core/ports/platform.ts";
import { withoutHeaders } from "#core/util/header-list.ts";
import type { Pipeline } from "./pipeline.ts";

/** The way to an app, with its `appHttpPipeline` before it: invocations, deliveries and the runtime's own questions alike. */
export function throughAppPipeline(
  channel: AppChannel,
  pipeline: Pipeline,
  maxBodyBytes: number,
): AppChannel {
  return {
    send: (request, options) =>
      pipeline.run(
        { ...request, maxBodyBytes },
        (changed) => channel.send(fitted(changed, request), options),
        options,
      ),
  };
}

function fitted(
  { method, path, headers, body }: PipelineRequest,
  given: PlainRequest,
): PlainRequest {
  if (body === given.body) return { ...given, method, path, headers };
  // The channel frames a body itself; the sender's length is not that of another one.
  const fitting = withoutHeaders(headers, "content-length", "transfer-encoding");
  return { method, path, headers: fitting, ...(body === undefined ? {} : { body }) };
}
