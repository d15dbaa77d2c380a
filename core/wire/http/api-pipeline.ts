import { messageOf } from "#core/errors/component-error.ts";
import { type RequestOrigin, targetOf } from "./input.ts";
import { mayHaveBody } from "./may-have-body.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { PipelineRequest } from "#core/ports/http-middleware.ts";
import type { Log, PlainResponse } from "#core/ports/platform.ts";
import { fittingHeaders } from "#core/middleware/changed-body.ts";
import { withoutHeaders } from "#core/util/header-list.ts";
import type { Pipeline } from "#core/middleware/pipeline.ts";
import { textResponse } from "#core/middleware/text-response.ts";

type Dispatch = (request: Request, caller: RequestOrigin) => Response | Promise<Response>;

/** Puts an app's `httpPipeline` before the router. What no handler changes reaches the router, and the caller, as it was. */
export async function throughApiPipeline(
  pipeline: Pipeline,
  request: Request,
  caller: RequestOrigin,
  dispatch: Dispatch,
  log: Log,
): Promise<Response> {
  const given = viewOf(request, caller);
  const end = async (changed: PipelineRequest): Promise<PlainResponse> => {
    if (changed === given) return plain(await dispatch(request, caller));
    const rebuilt = rebuild(changed, given, request, caller);
    return plain(await dispatch(rebuilt.request, rebuilt.caller));
  };
  try {
    return toResponse(await pipeline.run(given, end, { signal: request.signal }));
  } catch (reason) {
    log.error(`Cannot answer: an HTTP middleware failed: ${messageOf(reason)}`, {
      app_id: caller.app.appId,
    });
    return toResponse(textResponse(500));
  }
}

/** Own getters: a copy of the view has what it shows, and nothing is built for a handler that does not look. */
function viewOf(request: Request, caller: RequestOrigin): PipelineRequest {
  let headers: readonly string[] | undefined;
  return {
    method: request.method,
    path: caller.target ?? targetOf(request.url),
    maxBodyBytes: caller.app.limits.maxBodyBytes,
    get headers() {
      // Dapr: the API token ends here.
      return (headers ??= withoutHeaders(
        caller.rawHeaders ?? [...request.headers].flat(),
        tokenHeader,
      ));
    },
    get body() {
      return request.body ?? undefined;
    },
    get remoteAddress() {
      return caller.remoteAddress;
    },
  } as PipelineRequest;
}

function rebuild(
  changed: PipelineRequest,
  given: PipelineRequest,
  request: Request,
  caller: RequestOrigin,
): { readonly request: Request; readonly caller: RequestOrigin } {
  const { app, rawHeaders, isPublicListener, hasBody, exchange } = caller;
  const noBody = changed.method === "GET" || changed.method === "HEAD";
  const body = noBody ? undefined : changed.body;
  const headers = body === given.body ? changed.headers : fittingHeaders(changed.headers, body);
  return {
    request: new Request(request.url, {
      method: changed.method,
      headers: headersOf(headers),
      signal: request.signal,
      ...(body === undefined ? {} : { body: body as BodyInit, duplex: "half" }),
    } as RequestInit),
    caller: {
      app,
      target: changed.path,
      // A platform that shows no raw headers says nothing of a body's length either.
      ...(rawHeaders ? { rawHeaders: headers } : {}),
      ...(isPublicListener === undefined ? {} : { isPublicListener }),
      ...(exchange ? { exchange } : {}),
      ...(hasBody === undefined ? {} : { hasBody: hasBody && body === given.body }),
      ...(noBody && caller.bodyOfGet && changed.body === given.body
        ? { bodyOfGet: caller.bodyOfGet.bind(caller) }
        : {}),
      ...(changed.remoteAddress === undefined ? {} : { remoteAddress: changed.remoteAddress }),
      remotePort: caller.remotePort,
    },
  };
}

/** The response that a plain one shows, so that it goes out as it is when no handler has changed it. */
const shown = new WeakMap<PlainResponse, Response>();

function plain(response: Response): PlainResponse {
  const view = {
    status: response.status,
    get headers() {
      return [...response.headers].flat();
    },
    get body() {
      return response.body ?? undefined;
    },
  } as PlainResponse;
  shown.set(view, response);
  return view;
}

function toResponse(answer: PlainResponse): Response {
  const original = shown.get(answer);
  if (original) return original;
  const { status } = answer;
  if (!(status >= 200 && status <= 599)) throw new RangeError(`there is no HTTP status ${status}`);
  const body = mayHaveBody(status) ? (answer.body ?? null) : null;
  // Whoever writes the body knows its length.
  const headers = headersOf(withoutHeaders(answer.headers, "content-length", "transfer-encoding"));
  return new Response(body as BodyInit | null, { status, headers });
}

function headersOf(list: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i < list.length; i += 2) headers.append(list[i] as string, list[i + 1] as string);
  return headers;
}
