import type { Refusal } from "#core/gate/admit.ts";
import type { RouteResponse } from "./response.ts";

const text = { "content-type": "text/plain; charset=utf-8" };
const later = { "retry-after": "1" };

/** What Go's router answers when nothing at all takes the path: not even invocation is allowed. */
export const unknownPath: RouteResponse = {
  status: 404,
  headers: text,
  body: "404 page not found\n",
};

/** The gate's refusals in HTTP's words. */
export function refusalOverHttp(refusal: Refusal): RouteResponse {
  switch (refusal.why) {
    case "api":
      return unknownPath;
    case "token":
      return refusal.fault === "too many"
        ? { status: 429, headers: { ...text, ...later }, body: "too many invalid api tokens" }
        : { status: 401, headers: text, body: "invalid api token" };
    case "budget":
      return {
        status: refusal.short === "body bytes" ? 413 : 429,
        headers: { "content-type": "application/json", ...later },
        body: JSON.stringify({
          errorCode: "ERR_BUDGET_EXCEEDED",
          message: `the app's budget is used up: ${refusal.short}`,
        }),
      };
  }
}
