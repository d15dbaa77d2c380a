import type { Operation } from "#core/kernel/operation.ts";
import type { HttpCallLog } from "#core/telemetry/api-log.ts";
import { sizeOf } from "#core/util/bytes.ts";
import { watchBody } from "#core/util/watch-body.ts";
import type { RouteResponse } from "./response.ts";
import type { RequestOrigin } from "./input.ts";

/** What a route answers, shown to those who log and measure; as it is where nobody does. */
export function observeResponse<In>(
  answer: RouteResponse,
  { exchange }: RequestOrigin,
  logged: HttpCallLog | undefined,
  operation: Logged<In>,
  asked: In | undefined,
): RouteResponse {
  const noted = logged ? logAnswer(answer, logged, () => obfuscated(operation, asked)) : answer;
  return exchange ? exchange.note(noted) : noted;
}
type Logged<In> = Pick<Operation<In, unknown>, "endpoint" | "obfuscated">;

function obfuscated<In>(operation: Logged<In>, asked: In | undefined): string {
  return (asked !== undefined && operation.obfuscated?.(asked)) || operation.endpoint;
}

/** A stream is logged once it has gone out. */
function logAnswer(
  answer: RouteResponse,
  logged: HttpCallLog,
  obfuscated: () => string,
): RouteResponse {
  const { body, status } = answer;
  if (body instanceof ReadableStream)
    return {
      ...answer,
      body: watchBody(body, (bytes) => logged.ended(status, bytes, obfuscated())),
    };
  logged.ended(status, body === undefined ? 0 : sizeOf(body), obfuscated());
  return answer;
}
