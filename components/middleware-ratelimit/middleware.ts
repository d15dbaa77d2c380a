import { optionsOf } from "#components/_shared/options.ts";
import { cleanPath, decodePath, splitTarget } from "#core/util/path.ts";
import { headerOf } from "#core/util/header-list.ts";
import { textResponse } from "#core/middleware/text-response.ts";
import type { HttpMiddleware, PipelineRequest } from "#core/ports/http-middleware.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { createBuckets } from "./buckets.ts";
import { middleware } from "./manifest.ts";
import { remoteIp } from "./remote-ip.ts";

export function open(spec: ComponentSpec, host: Host): HttpMiddleware {
  const rate = optionsOf(spec, middleware.options).number("maxRequestsPerSecond") ?? 0;
  if (rate <= 0) throw new Error("metadata property maxRequestsPerSecond must be a positive value");
  const buckets = createBuckets(rate, Math.floor(Math.max(1, rate)), host.clock);
  return {
    handle: async (request, next) => {
      const path = cleanPath(decodePath(splitTarget(request.path).path));
      const left = buckets.take(`${remoteIp(request)}|${path}`);
      const answer =
        left === undefined
          ? textResponse(429, "You have reached maximum request limit.")
          : await next(request);
      return { ...answer, headers: [...answer.headers, ...limitHeaders(rate, left ?? 0, request)] };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** What tollbooth, the library that Dapr limits with, tells the caller. */
function limitHeaders(rate: number, left: number, request: PipelineRequest): readonly string[] {
  const forwarded = headerOf(request.headers, "x-forwarded-for");
  return [
    "x-rate-limit-limit",
    rate.toFixed(2),
    "x-rate-limit-duration",
    "1",
    ...(forwarded?.trim() ? ["x-rate-limit-request-forwarded-for", forwarded] : []),
    "x-rate-limit-request-remote-addr",
    request.remoteAddress ?? "",
    "ratelimit-limit",
    String(Math.round(rate)),
    "ratelimit-reset",
    "1",
    "ratelimit-remaining",
    String(left),
  ];
}
