import { type Calls, enterCalls, leave } from "#core/kernel/calls.ts";
import type { Operation, Run } from "#core/kernel/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import { noteError } from "#core/telemetry/error-codes.ts";
import { baggageFault } from "#core/tracing/baggage.ts";
import { watchBody } from "#core/util/watch-body.ts";
import { reportedError } from "#core/wire/reported-error.ts";
import { type RouteResponse, respond } from "./response.ts";
import { endHttpSpan } from "./http-span.ts";
import { type HttpContext, HttpInput } from "./input.ts";
import { renderError } from "./render-error.ts";
import { observeResponse } from "./observe-response.ts";

export type Handle = (context: HttpContext) => Promise<Response>;
/** What answers the requests of one route: reads, runs the operation, writes. */
export type MakeHandle = <In, Out>(
  operation: Operation<In, Out>,
  read: (input: HttpInput) => In | Promise<In>,
  write: (out: Out, input: HttpInput) => RouteResponse,
) => Handle;

const badRequest = { status: 400, headers: { "content-type": "text/plain; charset=utf-8" } };

export function createHandler(run: Run, log: Log): MakeHandle {
  return (operation, read, write) => {
    const isTraced = operation.describe !== undefined;
    const isProbe = operation.exempt?.token === true;
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
      let refused: RouteResponse | undefined;
      let asked: Awaited<ReturnType<typeof read>> | undefined;
      const { calls } = input.app;
      if (calls) enterCalls(calls);
      let answer: RouteResponse;
      try {
        refused = baggage === undefined ? undefined : refuseBaggage(baggage);
        answer = refused ?? write(await run(operation, input, (asked = await read(input))), input);
        if (operation.streamUsesComponent && calls) answer = heldToTheEnd(answer, calls);
      } catch (reason) {
        const error = reportedError(operation.name, reason, log);
        noteError(input.app.telemetry, error);
        answer = renderError(error);
      } finally {
        if (calls) leave(calls);
      }
      if (trace?.span) endHttpSpan(trace.span, operation, input, asked, answer.status);
      const shown = observeResponse(answer, context.env, logged, operation, asked);
      return respond(shown, trace, refused ? undefined : baggage);
    };
  };
}

/** Dapr: its tracing layer answers, in plain text; so where tracing is off, baggage is a header like any other. */
function refuseBaggage(baggage: string): RouteResponse | undefined {
  const fault = baggageFault(baggage);
  return fault === undefined
    ? undefined
    : { ...badRequest, body: `invalid baggage header: ${fault}\n` };
}

/** A stream that comes out of a component keeps it through a reload. */
function heldToTheEnd(answer: RouteResponse, calls: Calls): RouteResponse {
  const { body } = answer;
  if (!(body instanceof ReadableStream)) return answer;
  enterCalls(calls);
  return { ...answer, body: watchBody(body, () => leave(calls)) };
}
