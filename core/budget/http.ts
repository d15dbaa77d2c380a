import type { Caller } from "#core/http/input.ts";
import { cleanPath, splitTarget } from "#core/http/path.ts";
import { watchBody } from "#core/util/watch-body.ts";
import type { Budget, Shortage } from "./budget.ts";

type Serve = (request: Request, caller: Caller) => Response | Promise<Response>;

/** Who is over budget must still be able to say so. */
const exempt = /^\/v1\.0\/(?:healthz(?:\/outbound)?|metadata(?:\/[^/]+)?|shutdown)$/;

/** Serves within the app's budget: 429 where it is used up, 413 for bodies. What was taken is given back once the answer's last byte has gone, or nobody wants it any more. */
export function withinBudget(
  budget: Budget,
  request: Request,
  caller: Caller,
  target: string,
  serve: Serve,
): Response | Promise<Response> {
  if (exempt.test(cleanPath(splitTarget(target).path))) return serve(request, caller);
  const bytes = Number(request.headers.get("content-length") ?? 0) || 0;
  const isStream = request.headers.has("transfer-encoding");
  const short = budget.enter(bytes);
  if (short) return refuse(budget, short, bytes);
  const noStream = isStream ? budget.openStream() : undefined;
  if (noStream) {
    budget.leave(bytes);
    return refuse(budget, noStream, bytes);
  }
  let isOver = false;
  const leave = (): void => {
    if (isOver) return;
    isOver = true;
    budget.leave(bytes);
    if (isStream) budget.closeStream();
  };
  const response = serve(request, caller);
  if (!(response instanceof Promise)) return untilRead(response, leave);
  return response.then(
    (answer) => untilRead(answer, leave),
    (reason: unknown) => {
      leave();
      throw reason;
    },
  );
}

/** Whole answers are done with when they are there; the rest of a stream is still to come. */
function untilRead(response: Response, leave: () => void): Response {
  const { body, headers, status, statusText } = response;
  if (!body || headers.has("content-length")) {
    leave();
    return response;
  }
  return new Response(watchBody(body, leave), { headers, status, statusText });
}

function refuse(budget: Budget, short: Shortage, bytes: number): Response | Promise<Response> {
  const turn = budget.holdBack(bytes);
  return turn ? turn.then(() => refusal(short)) : refusal(short);
}
function refusal(short: Shortage): Response {
  const text = JSON.stringify({
    errorCode: "ERR_BUDGET_EXCEEDED",
    message: `the app's budget is used up: ${short}`,
  });
  return new Response(text, {
    status: short === "body bytes" ? 413 : 429,
    headers: { "content-type": "application/json", "retry-after": "1" },
  });
}
