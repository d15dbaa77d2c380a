import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { pauseAfter, type Pauses } from "#core/util/backoff.ts";
import { within } from "#core/util/time-limit.ts";
import { type Argument, loadClient, type RedisClient, type RedisServer } from "./client.ts";
import type { RedisSettings } from "./settings.ts";

/** A way to Redis that mends itself. Every call settles in bounded time; failures are `ComponentError`s. */
export interface RedisConnection {
  send(args: readonly Argument[], options: CallOptions, key?: string): Promise<unknown>;
  /** One way to each server that holds keys. */
  masters(): Promise<ReadonlyArray<Pick<RedisConnection, "send">>>;
  close(): void;
}
export interface ConnectionDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** The component, for log lines. */
  readonly component: string;
  /** Added to the longest time without an answer: how long commands on this connection may block. */
  readonly blockMs?: number;
}

const startLimitMs = 5000;
/** Between the tries to connect again. */
export const reconnecting: Pauses = { firstMs: 50, longestMs: 2000 };

/** Resolves once connected; rejects within five seconds, saying why. */
export async function connect(
  settings: RedisSettings,
  deps: ConnectionDeps,
): Promise<RedisConnection> {
  const library = await loadClient();
  const connection = new Connection(library, settings, deps);
  await connection.start();
  return connection;
}

interface Waiting {
  readonly since: number;
  fail(reason: unknown): void;
}

class Connection implements RedisConnection {
  readonly #library: RedisClient;
  readonly #settings: RedisSettings;
  readonly #deps: ConnectionDeps;
  readonly #patienceMs: number;
  /** Oldest first. */
  readonly #waiting = new Set<Waiting>();
  readonly #closing = new AbortController();
  #server: RedisServer;
  #started = false;
  #watching = false;
  #down = false;
  #lastLoss: unknown;

  constructor(library: RedisClient, settings: RedisSettings, deps: ConnectionDeps) {
    this.#library = library;
    this.#settings = settings;
    this.#deps = deps;
    this.#patienceMs = settings.readTimeoutMs + (deps.blockMs ?? 0);
    this.#server = this.#create();
  }

  async start(): Promise<void> {
    const connecting = (): Promise<unknown> => this.#server.connect();
    const late = (): Error => {
      const last = this.#lastLoss === undefined ? "" : `: ${messageOf(this.#lastLoss)}`;
      return new Error(`no connection within ${startLimitMs / 1000} s${last}`);
    };
    try {
      await within(this.#deps.clock, startLimitMs, {}, connecting, late);
      this.#started = true;
    } catch (reason) {
      this.close();
      throw new Error(
        `redis: error connecting to redis at ${this.#settings.where}: ${connectText(reason)}`,
        { cause: reason },
      );
    }
  }

  send(args: readonly Argument[], { signal }: CallOptions, key?: string): Promise<unknown> {
    return this.#bounded(signal, () => this.#server.send(args, key, signal));
  }

  async masters(): Promise<ReadonlyArray<Pick<RedisConnection, "send">>> {
    const masters = await this.#server.masters();
    return masters.map((send) => ({
      send: (args, { signal }) => this.#bounded(signal, () => send(args)),
    }));
  }

  #bounded(signal: AbortSignal, start: () => Promise<unknown>): Promise<unknown> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#closing.signal.aborted) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        since: this.#deps.clock.now(),
        fail: (reason) => {
          settled();
          reject(reason);
        },
      };
      const stop = (): void => waiting.fail(signal.reason);
      const settled = (): void => {
        this.#waiting.delete(waiting);
        signal.removeEventListener("abort", stop);
      };
      this.#waiting.add(waiting);
      signal.addEventListener("abort", stop, { once: true });
      if (!this.#watching) void this.#watch();
      start().then(
        (reply) => {
          settled();
          resolve(reply);
        },
        (reason: unknown) => waiting.fail(this.#failureOf(reason)),
      );
    });
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const waiting of this.#waiting) waiting.fail(closedError());
    this.#server.destroy();
  }

  #create(): RedisServer {
    const { log, component } = this.#deps;
    const { where } = this.#settings;
    return this.#library.create(this.#settings, {
      lost: (reason) => {
        this.#lastLoss = reason;
        if (this.#down || !this.#started || this.#closing.signal.aborted) return;
        this.#down = true;
        log.warn(
          `Lost the connection to Redis at ${where}, connecting again: ${messageOf(reason)}`,
          { component },
        );
      },
      ready: () => {
        if (this.#down) log.info(`Connected to Redis at ${where} again`, { component });
        this.#down = false;
      },
      pause: (attempt, reason) => this.#pause(attempt, reason),
    });
  }

  #pause(attempt: number, reason: unknown): number | false {
    if (this.#closing.signal.aborted) return false;
    if (this.#started) return pauseAfter(attempt, reconnecting);
    const { retries, minPauseMs, maxPauseMs } = this.#settings.connect;
    // A server that says no, for example to the password, says it again; one that loads its data does not.
    const refused = this.#library.isReply(reason) && !reason.message.startsWith("LOADING");
    if (refused || attempt >= retries) return false;
    return pauseAfter(attempt, { firstMs: minPauseMs, longestMs: maxPauseMs });
  }

  /** Fails what waits too long, and gives the connection up that does not answer. Runs only while something waits. */
  async #watch(): Promise<void> {
    const { clock } = this.#deps;
    this.#watching = true;
    try {
      while (this.#waiting.size > 0) {
        await clock.sleep(this.#patienceMs / 4, { signal: this.#closing.signal });
        const due = clock.now() - this.#patienceMs;
        let overdue = false;
        for (const waiting of this.#waiting) {
          if (waiting.since > due) break;
          overdue = true;
          waiting.fail(this.#silenceError());
        }
        // Elsewhere the library owns the sockets and watches them itself.
        if (overdue && this.#settings.mode === "node") this.#replace();
      }
    } catch {
      // Closed.
    } finally {
      this.#watching = false;
    }
  }
  #replace(): void {
    const old = this.#server;
    this.#server = this.#create();
    this.#server.connect().catch((reason: unknown) => {
      this.#lastLoss = reason;
    });
    old.destroy();
  }

  #silenceError(): ComponentError {
    const last = this.#down ? `: ${messageOf(this.#lastLoss)}` : "";
    return new ComponentError(
      "unavailable",
      `redis at ${this.#settings.where} did not answer within ${this.#patienceMs} ms${last}`,
    );
  }
  #failureOf(reason: unknown): unknown {
    if (ComponentError.is(reason)) return reason;
    if (!this.#library.isReply(reason))
      return new ComponentError(
        "unavailable",
        `the connection to redis at ${this.#settings.where} failed: ${messageOf(reason)}`,
        { cause: reason },
      );
    const code = reason.message.split(" ", 1)[0] as string;
    return new ComponentError(passing.has(code) ? "unavailable" : "rejected", reason.message, {
      cause: reason,
    });
  }
}

/** Answers that another attempt may well not get. */
const passing: ReadonlySet<string> = new Set(
  "LOADING READONLY CLUSTERDOWN MASTERDOWN TRYAGAIN OOM BUSY NOREPLICAS MISCONF".split(" "),
);

function closedError(): ComponentError {
  return new ComponentError("unavailable", "the component is closed");
}
/** The library wraps what went wrong on several addresses of one host without saying it. */
function connectText(reason: unknown): string {
  if (reason instanceof AggregateError && reason.message === "")
    return [...new Set(reason.errors.map(messageOf))].join(", ");
  return messageOf(reason);
}
