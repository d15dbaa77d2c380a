import { Hono } from "hono";
import { type Api, apiOfRoute, invokeApi, isAllowed } from "#core/api-access/rules.ts";
import { withinBudget } from "#core/budget/http.ts";
import { ApiError, toApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { throughApiPipeline } from "#core/middleware/api-pipeline.ts";
import type { Operation, Run } from "#core/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { leave } from "#core/reload/calls.ts";
import { noteError } from "#core/telemetry/error-codes.ts";
import { measureHttp } from "#core/telemetry/http-server.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";
import { seen } from "#core/telemetry/seen-answer.ts";
import { type Answer, respond } from "./answer.ts";
import { baggageFault } from "./baggage.ts";
import { crossOrigin } from "./cors.ts";
import { endHttpSpan } from "./http-span.ts";
import { type Caller, type HttpContext, HttpInput, targetOf } from "./input.ts";
import { cleanPath, hasBadEscape, splitTarget } from "./path.ts";
import { renderError } from "./render-error.ts";
import { asksForToken } from "#core/identity/token-check.ts";
import { refuseToken } from "./token.ts";

/** How a block spells its operations for HTTP: decode, one operation, encode; a route has no other step. */
export interface HttpRoutes {
  /** Methods and path as in Dapr's route index; `:name` is one segment, `:name{.+}` the rest. */
  on<In, Out>(
    methods: readonly string[],
    path: string,
    operation: Operation<In, Out>,
    read: (input: HttpInput) => In | Promise<In>,
    write: (out: Out, input: HttpInput) => Answer,
  ): void;
  /** Everything that no route takes: unknown paths and wrong verbs alike. There is no 405. */
  fallback<In, Out>(
    operation: Operation<In, Out>,
    read: (input: HttpInput) => In | Promise<In>,
    write: (out: Out, input: HttpInput) => Answer,
  ): void;
}
export type HttpBlock = (routes: HttpRoutes) => void;

export type HttpSurface = (request: Request, caller: Caller) => Response | Promise<Response>;

const notFound = { status: 404, headers: { "content-type": "text/plain; charset=utf-8" } };
const badRequest = { status: 400, headers: { "content-type": "text/plain; charset=utf-8" } };

/** Assembles the HTTP surface from the blocks, once; all apps of a runtime share it. */
export function createHttp(run: Run, blocks: readonly HttpBlock[], logs: Log): HttpSurface {
  const log = scopedLog(logs, "dapr.runtime.http");
  const hono = new Hono<{ Bindings: Caller }>({ getPath: routedPath });

  function handler<In, Out>(
    operation: Operation<In, Out>,
    read: (input: HttpInput) => In | Promise<In>,
    write: (out: Out, input: HttpInput) => Answer,
    traced: boolean,
  ): (context: HttpContext) => Promise<Response> {
    return async (context) => {
      const input = new HttpInput(context, traced);
      const logged = input.app.apiLog?.http(input, operation.name);
      const { trace } = input;
      const baggage = trace && input.header("baggage");
      let refused: Answer | undefined;
      let asked: In | undefined;
      const { calls } = input.app;
      if (calls) calls.inFlight++;
      let answer: Answer;
      try {
        refused = baggage === undefined ? undefined : refuseBaggage(baggage);
        answer = refused ?? write(await run(operation, input, (asked = await read(input))), input);
      } catch (reason) {
        const error = reported(operation.name, reason, log);
        noteError(input.app, error);
        answer = renderError(error);
      } finally {
        if (calls) leave(calls);
      }
      if (trace?.span) endHttpSpan(trace.span, operation.name, input, asked, answer.status);
      return respond(seen(answer, context.env, logged), trace, refused ? undefined : baggage);
    };
  }

  let fallback: (context: HttpContext) => Promise<Response> = () => {
    throw new TypeError("No block owns the fallback route");
  };
  const routes: HttpRoutes = {
    on: (methods, path, operation, read, write) => {
      const handle = handler(operation, read, write, !operation.name.startsWith("health."));
      const api = apiOfRoute(path);
      hono.on([...methods], path, (context) => {
        if (isDenied(context.env, api))
          return context.env.tokenFree ? unknown() : fallback(context);
        // Hono answers HEAD from GET routes; Dapr does not, and lets it fall through.
        return context.req.raw.method === "HEAD" ? fallback(context) : handle(context);
      });
    },
    fallback: (operation, read, write) => {
      const handle = handler(operation, read, write, true);
      fallback = (context) => (isDenied(context.env, invokeApi) ? unknown() : handle(context));
    },
  };
  for (const block of blocks) block(routes);
  hono.notFound((context) => fallback(context as HttpContext));

  const route = (request: Request, caller: Caller): Response | Promise<Response> =>
    hono.fetch(request, caller);
  /** Middleware, then the router. */
  const serve = (request: Request, caller: Caller): Response | Promise<Response> => {
    const pipeline = caller.app.httpPipeline;
    return pipeline === undefined || caller.tokenFree
      ? route(request, caller)
      : throughApiPipeline(pipeline, request, caller, route, log);
  };
  /** The budget, then what uses it up. */
  const admit = (
    request: Request,
    caller: Caller,
    target: string,
  ): Response | Promise<Response> => {
    const { budget, loop } = caller.app;
    loop?.note(0);
    return budget === undefined || caller.tokenFree
      ? serve(request, caller)
      : withinBudget(budget, request, caller, target, serve);
  };
  /** The token, then what it guards. */
  const guard = (
    request: Request,
    caller: Caller,
    target: string,
  ): Response | Promise<Response> => {
    const refused =
      !caller.isProven && !caller.tokenFree && asksForToken(caller.app)
        ? refuseToken(request, caller, target)
        : undefined;
    if (!refused) return admit(request, caller, target);
    return refused instanceof Promise
      ? refused.then((answer) => answer ?? admit(request, caller, target))
      : refused;
  };
  const answer: HttpSurface = (request, caller) => {
    const target = caller.target ?? targetOf(request.url);
    if (target.includes("%") && hasBadEscape(splitTarget(target).path))
      return new Response("400 Bad Request", badRequest);
    const { origins } = caller.app;
    return origins === undefined || caller.tokenFree
      ? guard(request, caller, target)
      : crossOrigin(origins, request, () => guard(request, caller, target));
  };
  return (request, caller) => {
    const { metrics } = caller.app;
    return metrics ? measureHttp(metrics, request, caller, answer) : answer(request, caller);
  };
}

/** True for what the app's API lists keep out; health they cannot. */
function isDenied({ app }: Caller, api: Api | undefined): boolean {
  return app.apiLists !== undefined && api !== undefined && !isAllowed(app.apiLists, api);
}
/** What Go's router answers when nothing at all takes the path: not even invocation is allowed. */
async function unknown(): Promise<Response> {
  return new Response("404 page not found\n", notFound);
}

/** Dapr: its tracing layer answers, in plain text; so where tracing is off, baggage is a header like any other. */
function refuseBaggage(baggage: string): Answer | undefined {
  const fault = baggageFault(baggage);
  return fault === undefined
    ? undefined
    : { ...badRequest, body: `invalid baggage header: ${fault}\n` };
}

/** Cleaned before it is routed; "+" is a space in a path parameter, as Dapr reads it. */
function routedPath(request: Request, options?: { readonly env?: Caller }): string {
  const path = cleanPath(splitTarget(options?.env?.target ?? targetOf(request.url)).path);
  return path.includes("+") ? path.replaceAll("+", "%20") : path;
}

function reported(operation: string, reason: unknown, log: Log): ApiError {
  if (!ApiError.is(reason))
    log.error(`Cannot answer ${operation}: ${messageOf(reason)}`, {
      stack: reason instanceof Error ? reason.stack : undefined,
    });
  return toApiError(reason);
}
