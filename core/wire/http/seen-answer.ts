import type { HttpCallLog } from "#core/telemetry/api-log.ts";
import { sizeOf } from "#core/util/bytes.ts";
import { watchBody } from "#core/util/watch-body.ts";
import type { Answer } from "./answer.ts";
import type { Caller } from "./input.ts";

/** What a route answers, shown to those who log and measure; as it is where nobody does. */
export function seen(
  answer: Answer,
  { exchange }: Caller,
  logged: HttpCallLog | undefined,
  obfuscated: () => string,
): Answer {
  const noted = logged ? logAnswer(answer, logged, obfuscated) : answer;
  return exchange ? exchange.note(noted) : noted;
}

/** A stream is logged once it has gone out. */
function logAnswer(answer: Answer, logged: HttpCallLog, obfuscated: () => string): Answer {
  const { body, status } = answer;
  if (body instanceof ReadableStream)
    return {
      ...answer,
      body: watchBody(body, (bytes) => logged.ended(status, bytes, obfuscated())),
    };
  logged.ended(status, body === undefined ? 0 : sizeOf(body), obfuscated());
  return answer;
}
