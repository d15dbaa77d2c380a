import type { Answer } from "#core/http/answer.ts";
import type { Caller } from "#core/http/input.ts";
import type { HttpCallLog } from "./api-log.ts";

/** What a route answers, shown to those who log and measure; as it is where nobody does. */
export function seen(
  answer: Answer,
  { exchange }: Caller,
  logged: HttpCallLog | undefined,
): Answer {
  const noted = logged ? logged.note(answer) : answer;
  return exchange ? exchange.note(noted) : noted;
}
