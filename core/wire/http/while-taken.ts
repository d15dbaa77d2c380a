import type { Leave } from "#core/gate/admit.ts";
import { watchBody } from "#core/util/watch-body.ts";

/** Gives back what the call has taken once the answer's last byte has gone, or nobody wants it any more. */
export function whileTaken(
  leave: Leave,
  serve: () => Response | Promise<Response>,
): Response | Promise<Response> {
  let isOver = false;
  const end = (): void => {
    if (!isOver) leave();
    isOver = true;
  };
  const response = serve();
  if (!(response instanceof Promise)) return untilRead(response, end);
  return response.then(
    (answer) => untilRead(answer, end),
    (reason: unknown) => {
      end();
      throw reason;
    },
  );
}

/** Whole answers are done with when they are there; the rest of a stream is still to come. */
function untilRead(response: Response, end: () => void): Response {
  const { body, headers, status, statusText } = response;
  if (!body || headers.has("content-length")) {
    end();
    return response;
  }
  return new Response(watchBody(body, end), { headers, status, statusText });
}
