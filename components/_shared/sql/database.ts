import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock } from "#core/ports/platform.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { endsWithin, within } from "#core/util/time-limit.ts";

export type SqlRow = Readonly<Record<string, unknown>>;
export interface SqlResult {
  readonly rows: readonly SqlRow[];
  /** Rows that the statement has inserted, updated or deleted. */
  readonly changes: number;
}
/** One connection of the pool, for as long as a call has it. */
export interface SqlSession {
  query(text: string, values?: readonly unknown[]): Promise<SqlResult>;
}
export interface SqlConnection extends SqlSession {
  /** Returns it to the pool. */
  release(): void;
  /** Closes it, whatever it is doing. */
  destroy(): void;
}

/** A pool of connections to one server, by the library of its vendor. */
export interface SqlDriver {
  /** Names the server in messages: vendor, host and port. */
  readonly where: string;
  /** A connection of the pool, which may have to be made first. */
  connect(): Promise<SqlConnection>;
  end(): Promise<void>;
  diagnose(reason: unknown): Diagnosis;
}
export interface Diagnosis {
  readonly kind: "unavailable" | "rejected";
  /** True: the server has undone the transaction in favour of another, and the same will work if it is run again. */
  readonly isConflict?: boolean;
}

/** A pool whose calls all settle in bounded time, with `ComponentError`s. Disposing it waits for those that run. */
export interface Database extends AsyncDisposable {
  /** The work gets a connection of its own. It is run again after a conflict, so it must not keep anything. */
  run<T>(work: (session: SqlSession) => Promise<T>, options: CallOptions): Promise<T>;
  /** One statement. */
  query(text: string, values: readonly unknown[], options: CallOptions): Promise<SqlResult>;
}

const conflictPauses: Pauses = { firstMs: 5, longestMs: 200, jitter: [0.5, 1] };
const mostTries = 8;

export function createDatabase(
  driver: SqlDriver,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Database {
  const running = new Set<Promise<unknown>>();
  let isClosed = false;
  const late = (): ComponentError =>
    new ComponentError("unavailable", `${driver.where} did not answer within ${timeoutMs} ms`);

  const withConnection = async <T>(
    work: (session: SqlSession) => Promise<T>,
    { signal }: CallOptions,
  ): Promise<T> => {
    let connection: SqlConnection | undefined;
    // Nothing else ends a statement that waits for a lock, or for a server that is gone.
    const stop = (): void => connection?.destroy();
    signal.addEventListener("abort", stop, { once: true });
    try {
      connection = await driver.connect();
      signal.throwIfAborted();
      return await work(connection);
    } finally {
      signal.removeEventListener("abort", stop);
      connection?.release();
    }
  };
  const attempt = <T>(
    work: (session: SqlSession) => Promise<T>,
    options: CallOptions,
  ): Promise<T> =>
    within(
      clock,
      timeoutMs,
      options,
      (limited) => {
        const call = withConnection(work, limited);
        running.add(call);
        const ended = (): void => void running.delete(call);
        call.then(ended, ended);
        return call;
      },
      late,
    );
  const run: Database["run"] = async (work, options) => {
    for (let failures = 0; ; failures++) {
      options.signal.throwIfAborted();
      if (isClosed) throw new ComponentError("unavailable", "the component is closed");
      try {
        return await attempt(work, options);
      } catch (reason) {
        if (options.signal.aborted || ComponentError.is(reason)) throw reason;
        const { kind, isConflict = false } = driver.diagnose(reason);
        if (!isConflict || failures + 1 === mostTries)
          throw new ComponentError(kind, `${driver.where}: ${textOf(reason)}`, { cause: reason });
        await clock.sleep(pauseAfter(failures, conflictPauses), options);
      }
    }
  };
  return {
    run,
    query: (text, values, options) => run((session) => session.query(text, values), options),
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return;
      isClosed = true;
      await Promise.allSettled(running);
      // A server that is gone does not take leave.
      await endsWithin(clock, timeoutMs, driver.end());
    },
  };
}

/** Node wraps what went wrong on several addresses of one host without saying it. */
export function textOf(reason: unknown): string {
  if (reason instanceof AggregateError && reason.message === "")
    return [...new Set(reason.errors.map(messageOf))].join(", ");
  return messageOf(reason);
}
