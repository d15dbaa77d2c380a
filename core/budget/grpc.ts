import { ApiError } from "#core/errors/api-error.ts";
import type { Budget, Shortage } from "./budget.ts";

const resourceExhausted = 8;
export function overBudget(short: Shortage): ApiError {
  const http = short === "body bytes" ? 413 : 429;
  return new ApiError(
    "ERR_BUDGET_EXCEEDED",
    { http, grpc: resourceExhausted },
    `the app's budget is used up: ${short}`,
  );
}

/** Takes a call in; answers how to give back what it took. Throws ResourceExhausted. */
export function enterCall(budget: Budget, bytes: number): () => void {
  const short = budget.enter(bytes);
  if (short) throw overBudget(short);
  return () => budget.leave(bytes);
}
/** The same of a stream. */
export function enterStream(budget: Budget): () => void {
  const leave = enterCall(budget, 0);
  const short = budget.openStream();
  if (short) {
    leave();
    throw overBudget(short);
  }
  return () => {
    leave();
    budget.closeStream();
  };
}
