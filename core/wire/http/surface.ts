import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import { httpApi, invokeApi } from "#core/access-control/api-lists.ts";
import { isDenied } from "#core/gate/admit.ts";
import { throughApiPipeline } from "./api-pipeline.ts";
import type { Exemptions, Operation, Run } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { measureHttp } from "./server-metrics.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";
import { type RouteResponse, respond } from "./response.ts";
import { crossOrigin } from "./cors.ts";
import { type RequestOrigin, type HttpContext, type HttpInput, targetOf } from "./input.ts";
import { createExemptRoutes } from "./exempt-routes.ts";
import { cleanPath, hasBadEscape, splitTarget } from "#core/util/path.ts";
import { guarded } from "./guarded.ts";
import { createHandler, type Handle } from "./handler.ts";
import { unknownPath } from "./refusals.ts";

/** How a block spells its operations for HTTP: decode, one operation, encode; a route has no other step. */
export interface HttpRoutes {
  /** Methods and path as in Dapr's route index; `:name` is one segment, `:name{.+}` the rest. */
  on<In, Out>(
    methods: readonly string[],
    path: string,
    operation: Operation<In, Out>,
    read: (input: HttpInput) => In | Promise<In>,
    write: (out: Out, input: HttpInput) => RouteResponse,
  ): void;
  /** Everything that no route takes: unknown paths and wrong verbs alike. There is no 405. */
  fallback<In, Out>(
    operation: Operation<In, Out>,
    read: (input: HttpInput) => In | Promise<In>,
    write: (out: Out, input: HttpInput) => RouteResponse,
  ): void;
}
export type HttpBlock = (routes: HttpRoutes) => void;

export interface HttpSurface {
  (request: Request, caller: RequestOrigin): Response | Promise<Response>;
  /** What the operation behind a route is exempt from; `target` as it stood on the wire. */
  exempt(method: string, target: string): Exemptions | undefined;
}

const badRequest = { status: 400, headers: { "content-type": "text/plain; charset=utf-8" } };

/** Assembles the HTTP surface from the blocks, once; all apps of a runtime share it. */
export function createHttp(run: Run, blocks: readonly HttpBlock[], logs: Log): HttpSurface {
  const log = scopedLog(logs, "dapr.runtime.http");
  // The only one of Hono's routers that takes all of our patterns; its default would bring two more, and end there.
  const hono = new HonoBase<{ Bindings: RequestOrigin }>({
    getPath: routedPath,
    router: new TrieRouter(),
  });
  const exempt = createExemptRoutes();

  const handler = createHandler(run, log);
  let fallback: Handle = () => {
    throw new TypeError("No block owns the fallback route");
  };
  const routes: HttpRoutes = {
    on: (methods, path, operation, read, write) => {
      const handle = handler(operation, read, write);
      const api = httpApi(operation.api, path);
      if (operation.exempt) exempt.add(methods, path, operation.exempt);
      hono.on([...methods], path, (context) => {
        if (isDenied(context.env.app, api))
          return context.env.isPublicListener ? unknown() : fallback(context);
        // Hono answers HEAD from GET routes; Dapr does not, and lets it fall through.
        return context.req.raw.method === "HEAD" ? fallback(context) : handle(context);
      });
    },
    fallback: (operation, read, write) => {
      const handle = handler(operation, read, write);
      fallback = (context) => (isDenied(context.env.app, invokeApi) ? unknown() : handle(context));
    },
  };
  for (const block of blocks) block(routes);
  hono.notFound((context) => fallback(context as HttpContext));

  const route = (request: Request, caller: RequestOrigin): Response | Promise<Response> =>
    hono.fetch(request, caller);
  /** Middleware, then the router. */
  const serve = (request: Request, caller: RequestOrigin): Response | Promise<Response> => {
    const pipeline = caller.app.policies.httpPipeline;
    return pipeline === undefined || caller.isPublicListener
      ? route(request, caller)
      : throughApiPipeline(pipeline, request, caller, route, log);
  };
  const guard = guarded(exempt, serve);
  const answer = (request: Request, caller: RequestOrigin): Response | Promise<Response> => {
    const target = caller.target ?? targetOf(request.url);
    if (target.includes("%") && hasBadEscape(splitTarget(target).path))
      return new Response("400 Bad Request", badRequest);
    if (caller.isPublicListener && !exempt.of(request.method, target)?.publicPort)
      return new Response(null, { status: 404 });
    const { origins } = caller.app.policies;
    return origins === undefined || caller.isPublicListener
      ? guard(request, caller, target)
      : crossOrigin(origins, request, () => guard(request, caller, target));
  };
  return Object.assign(
    (request: Request, caller: RequestOrigin): Response | Promise<Response> => {
      const { metrics } = caller.app.telemetry;
      return metrics ? measureHttp(metrics, request, caller, answer) : answer(request, caller);
    },
    { exempt: exempt.of },
  );
}

async function unknown(): Promise<Response> {
  return respond(unknownPath, undefined);
}

/** Cleaned before it is routed; "+" is a space in a path parameter, as Dapr reads it. */
function routedPath(request: Request, options?: { readonly env?: RequestOrigin }): string {
  const path = cleanPath(splitTarget(options?.env?.target ?? targetOf(request.url)).path);
  return path.includes("+") ? path.replaceAll("+", "%20") : path;
}
