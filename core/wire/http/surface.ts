import { Hono } from "hono";
import { httpApi, invokeApi } from "#core/access-control/api-lists.ts";
import type { App } from "#core/kernel/app.ts";
import { ApiError, toApiError } from "#core/errors/api-error.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { admit, type Admission, isDenied, nothingTaken } from "#core/gate/admit.ts";
import type { Arrival } from "#core/gate/token.ts";
import { asksForToken } from "#core/identity/token-check.ts";
import { throughApiPipeline } from "./api-pipeline.ts";
import type { Exemptions, Operation, Run } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { type Calls, enterCalls, leave } from "#core/kernel/calls.ts";
import { noteError } from "#core/telemetry/error-codes.ts";
import { measureHttp } from "./server-metrics.ts";
import { scopedLog } from "#core/telemetry/scoped-log.ts";
import { seen } from "./seen-answer.ts";
import { joinedHeader } from "#core/util/header-list.ts";
import { watchBody } from "#core/util/watch-body.ts";
import { type Answer, respond } from "./answer.ts";
import { baggageFault } from "#core/tracing/baggage.ts";
import { crossOrigin } from "./cors.ts";
import { endHttpSpan } from "./http-span.ts";
import { type Caller, type HttpContext, HttpInput, targetOf } from "./input.ts";
import { createExemptRoutes } from "./exempt-routes.ts";
import { cleanPath, hasBadEscape, splitTarget } from "#core/util/path.ts";
import { refusalOverHttp, unknownPath } from "./refusals.ts";
import { renderError } from "./render-error.ts";
import { whileTaken } from "./while-taken.ts";

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

export interface HttpSurface {
  (request: Request, caller: Caller): Response | Promise<Response>;
  /** What the operation behind a route is exempt from; `target` as it stood on the wire. */
  exempt(method: string, target: string): Exemptions | undefined;
}

const badRequest = { status: 400, headers: { "content-type": "text/plain; charset=utf-8" } };

/** Assembles the HTTP surface from the blocks, once; all apps of a runtime share it. */
export function createHttp(run: Run, blocks: readonly HttpBlock[], logs: Log): HttpSurface {
  const log = scopedLog(logs, "dapr.runtime.http");
  const hono = new Hono<{ Bindings: Caller }>({ getPath: routedPath });
  const exempt = createExemptRoutes();

  function handler<In, Out>(
    operation: Operation<In, Out>,
    read: (input: HttpInput) => In | Promise<In>,
    write: (out: Out, input: HttpInput) => Answer,
  ): (context: HttpContext) => Promise<Response> {
    const isTraced = operation.describe !== undefined;
    const isProbe = operation.exempt?.token === true;
    const obfuscated = (asked: In | undefined): string =>
      (asked !== undefined && operation.obfuscated?.(asked)) || operation.endpoint;
    return async (context) => {
      const input = new HttpInput(context, isTraced);
      const logged = input.app.policies.apiLog?.http({
        method: input.request.method,
        target: input.target,
        userAgent: input.header("user-agent"),
        isProbe,
      });
      const { trace } = input;
      const baggage = trace && input.header("baggage");
      let refused: Answer | undefined;
      let asked: In | undefined;
      const { calls } = input.app;
      if (calls) enterCalls(calls);
      let answer: Answer;
      try {
        refused = baggage === undefined ? undefined : refuseBaggage(baggage);
        answer = refused ?? write(await run(operation, input, (asked = await read(input))), input);
        if (operation.streamUsesComponent && calls) answer = heldToTheEnd(answer, calls);
      } catch (reason) {
        const error = reported(operation.name, reason, log);
        noteError(input.app.telemetry, error);
        answer = renderError(error);
      } finally {
        if (calls) leave(calls);
      }
      if (trace?.span) endHttpSpan(trace.span, operation, input, asked, answer.status);
      const shown = seen(answer, context.env, logged, () => obfuscated(asked));
      return respond(shown, trace, refused ? undefined : baggage);
    };
  }

  let fallback: (context: HttpContext) => Promise<Response> = () => {
    throw new TypeError("No block owns the fallback route");
  };
  const routes: HttpRoutes = {
    on: (methods, path, operation, read, write) => {
      const handle = handler(operation, read, write);
      const api = httpApi(operation.api, path);
      if (operation.exempt) exempt.add(methods, path, operation.exempt);
      hono.on([...methods], path, (context) => {
        if (isDenied(context.env.app, api))
          return context.env.tokenFree ? unknown() : fallback(context);
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

  const route = (request: Request, caller: Caller): Response | Promise<Response> =>
    hono.fetch(request, caller);
  /** Middleware, then the router. */
  const serve = (request: Request, caller: Caller): Response | Promise<Response> => {
    const pipeline = caller.app.policies.httpPipeline;
    return pipeline === undefined || caller.tokenFree
      ? route(request, caller)
      : throughApiPipeline(pipeline, request, caller, route, log);
  };
  /** The gate, then what it guards. */
  const guard = (
    request: Request,
    caller: Caller,
    target: string,
  ): Response | Promise<Response> => {
    const { app } = caller;
    const { budget } = app.policies;
    const exempt =
      budget || asksForToken(app.identity) ? exemptOf(request, caller, target) : undefined;
    const bytes = budget ? Number(request.headers.get("content-length") ?? 0) || 0 : 0;
    const isStream = budget !== undefined && request.headers.has("transfer-encoding");
    const admitted = admit(new HttpArrival(request, caller), { exempt, bytes, isStream });
    const proceed = (admission: Admission): Response | Promise<Response> => {
      if (typeof admission !== "function") return respond(refusalOverHttp(admission), undefined);
      if (admission === nothingTaken) return serve(request, caller);
      return whileTaken(admission, () => serve(request, caller));
    };
    return admitted instanceof Promise ? admitted.then(proceed) : proceed(admitted);
  };
  /** Whoever calls where no token is asked for has nothing else to show either, and no part of the budget. */
  const exemptOf = (request: Request, caller: Caller, target: string): Exemptions | undefined =>
    caller.tokenFree ? everything : exempt.of(request.method, target);
  const answer = (request: Request, caller: Caller): Response | Promise<Response> => {
    const target = caller.target ?? targetOf(request.url);
    if (target.includes("%") && hasBadEscape(splitTarget(target).path))
      return new Response("400 Bad Request", badRequest);
    if (caller.tokenFree && !exempt.of(request.method, target)?.publicPort)
      return new Response(null, { status: 404 });
    const { origins } = caller.app.policies;
    return origins === undefined || caller.tokenFree
      ? guard(request, caller, target)
      : crossOrigin(origins, request, () => guard(request, caller, target));
  };
  return Object.assign(
    (request: Request, caller: Caller): Response | Promise<Response> => {
      const { metrics } = caller.app.telemetry;
      return metrics ? measureHttp(metrics, request, caller, answer) : answer(request, caller);
    },
    { exempt: exempt.of },
  );
}

const everything: Exemptions = { token: true, budget: true };

/** Most calls are asked for nothing, so that neither headers nor the address are looked up before they are wanted. */
class HttpArrival implements Arrival {
  readonly app: App;
  readonly isProven: boolean | undefined;
  readonly #request: Request;
  readonly #caller: Caller;
  constructor(request: Request, caller: Caller) {
    this.app = caller.app;
    this.isProven = caller.isProven;
    this.#request = request;
    this.#caller = caller;
  }
  get remoteAddress(): string | undefined {
    return this.#caller.remoteAddress;
  }
  header(name: string): string | undefined {
    const { rawHeaders } = this.#caller;
    return rawHeaders
      ? joinedHeader(rawHeaders, name)
      : (this.#request.headers.get(name) ?? undefined);
  }
}

async function unknown(): Promise<Response> {
  return respond(unknownPath, undefined);
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

/** A stream that comes out of a component keeps it through a reload. */
function heldToTheEnd(answer: Answer, calls: Calls): Answer {
  const { body } = answer;
  if (!(body instanceof ReadableStream)) return answer;
  enterCalls(calls);
  return { ...answer, body: watchBody(body, () => leave(calls)) };
}
