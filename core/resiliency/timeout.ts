import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { TimeoutError } from "./failure.ts";
import type { Guard } from "./guard.ts";

/** Ends what takes longer than that: its signal fires, and the caller gets a `TimeoutError` at once. */
export function createTimeout(ms: number, clock: Clock, activated?: () => void): Guard {
  return (run, call) =>
    new Promise((resolve, reject) => {
      const attempt = new Attempt(call);
      let isLate = false;
      const stop = clock.after(ms, () => {
        const late = new TimeoutError();
        activated?.();
        isLate = true;
        attempt.end(late);
        reject(late);
      });
      run(attempt).then(
        (value) => {
          stop();
          if (isLate) discardLate(value);
          else resolve(value);
        },
        (reason: unknown) => {
          stop();
          reject(reason as Error);
        },
      );
    });
}

/** An answer that nobody waits for any more must not keep its connection. */
function discardLate(value: unknown): void {
  const body =
    typeof value === "object" && value !== null && "body" in value ? value.body : undefined;
  if (body instanceof ReadableStream) void body.cancel().catch(() => {});
}

/** The caller's options with a signal of their own, made only when somebody looks: most calls end before that. */
class Attempt implements CallOptions {
  readonly #call: CallOptions;
  #own: AbortController | undefined;
  #both: AbortSignal | undefined;
  #reason: Error | undefined;
  constructor(call: CallOptions) {
    this.#call = call;
  }
  get signal(): AbortSignal {
    if (this.#both) return this.#both;
    this.#own = new AbortController();
    if (this.#reason) this.#own.abort(this.#reason);
    return (this.#both = AbortSignal.any([this.#call.signal, this.#own.signal]));
  }
  end(reason: Error): void {
    this.#reason = reason;
    this.#own?.abort(reason);
  }
}
