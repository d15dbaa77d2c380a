/** One that waits; a link of the chain of all that do. */
export interface Waiting {
  before: Waiting | undefined;
  after: Waiting | undefined;
  /** It has waited for some time: from now on it ends when its caller goes away. */
  followCaller(): void;
}
export interface Watch {
  add(waiting: Waiting): void;
  remove(waiting: Waiting): void;
}

/** How often those without an answer are looked at. */
const watchMs = 500;

/**
 * Calls that have waited for some time end with their caller. Asking every call's signal at once would
 * make an AbortController for each, and nearly all are over before anyone looks. They are chained rather
 * than put into a Set: its churn cost the collector 20 µs a call.
 */
export function createWatch(): Watch {
  let first: Waiting | undefined;
  let timer: NodeJS.Timeout | undefined;
  function remove(waiting: Waiting): void {
    const { before, after } = waiting;
    if (before) before.after = after;
    else if (first === waiting) first = after;
    if (after) after.before = before;
    waiting.before = undefined;
    waiting.after = undefined;
  }
  function look(): void {
    timer = undefined;
    while (first) {
      const waiting = first;
      remove(waiting);
      waiting.followCaller();
    }
  }
  return {
    add: (waiting) => {
      waiting.after = first;
      if (first) first.before = waiting;
      first = waiting;
      timer ??= setTimeout(look, watchMs).unref();
    },
    remove,
  };
}
