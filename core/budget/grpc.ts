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

/** Takes a call in; answers how to give back what it took. Throws ResourceExhausted, or rejects with it in its turn. */
export function enterCall(budget: Budget, bytes: number): (() => void) | Promise<never> {
  const short = budget.enter(bytes);
  return short ? refuse(budget, short, bytes) : () => budget.leave(bytes);
}
/** The same of a stream. */
export function enterStream(budget: Budget): (() => void) | Promise<never> {
  const leave = enterCall(budget, 0);
  if (leave instanceof Promise) return leave;
  const short = budget.openStream();
  if (short) {
    leave();
    return refuse(budget, short, 0);
  }
  return () => {
    leave();
    budget.closeStream();
  };
}

function refuse(budget: Budget, short: Shortage, bytes: number): Promise<never> {
  const turn = budget.holdBack(bytes);
  if (!turn) throw overBudget(short);
  return turn.then(() => {
    throw overBudget(short);
  });
}
