import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { within } from "#core/util/time-limit.ts";
import { type ChannelListener, loadClient, type RedisSubscriber } from "./client.ts";
import type { ConnectionDeps, RedisConnection } from "./connection.ts";
import type { RedisSettings } from "./settings.ts";

/** What the server tells of its keys. One connection serves all that watch; it is there while anyone does. */
export interface Keyspace {
  /** Resolves once the listener is told; until the signal fires. No keys means all. */
  watch(keys: readonly string[], listener: KeyListener, options: CallOptions): Promise<void>;
  close(): void;
}
export interface KeyListener {
  changed(key: string): void;
  /** The connection was lost and is back: changes may have been missed. */
  resumed(): void;
}

const startLimitMs = 5000;
const longestPauseMs = 2000;
/** Keyspace events: generic ones, those of strings, of expiry and of eviction. */
const neededEvents = ["K", "g", "$", "x", "e"] as const;

export function openKeyspace(
  settings: RedisSettings,
  connection: RedisConnection,
  deps: ConnectionDeps,
): Keyspace {
  const { clock, log, component } = deps;
  const prefix = `__keyspace@${settings.database}__:`;
  const listeners = new Set<KeyListener>();
  const closing = new AbortController();
  let subscriber: Promise<RedisSubscriber> | undefined;

  async function start(): Promise<RedisSubscriber> {
    await turnOn();
    let running = false;
    let down = false;
    const made = (await loadClient()).createSubscriber(settings, {
      lost: (reason) => {
        if (down || !running || closing.signal.aborted) return;
        down = true;
        log.warn(
          `Lost the notifications of Redis at ${settings.where}, connecting again: ${messageOf(reason)}`,
          { component },
        );
      },
      ready: () => {
        if (down) void resume();
        down = false;
      },
      pause: (attempt) =>
        closing.signal.aborted ? false : Math.min(longestPauseMs, 50 * 2 ** Math.min(attempt, 10)),
    });
    try {
      await within(clock, startLimitMs, closing, () => made.connect());
      running = true;
      return made;
    } catch (reason) {
      made.destroy();
      throw reason;
    }
  }
  /** A server that was started anew, or is another now, may not have the setting. */
  async function resume(): Promise<void> {
    await turnOn();
    if (listeners.size === 0) return;
    log.info(`Notifications of Redis at ${settings.where} come again`, { component });
    for (const listener of listeners) listener.resumed();
  }
  async function turnOn(): Promise<void> {
    while (listeners.size > 0) {
      try {
        await enableEvents(connection, closing);
        return;
      } catch (reason) {
        if (ComponentError.is(reason) && reason.kind === "unavailable") {
          await clock.sleep(longestPauseMs, closing).catch(() => {});
          continue;
        }
        log.warn(
          `Redis at ${settings.where} does not let its key events be turned on; changes are seen only if notify-keyspace-events has ${neededEvents.join("")}: ${messageOf(reason)}`,
          { component },
        );
        return;
      }
    }
  }

  return {
    watch: async (keys, listener, { signal }) => {
      const heard: ChannelListener = (_event, channel) =>
        listener.changed(channel.slice(prefix.length));
      const channels = [...new Set(keys)].map((key) => prefix + key);
      listeners.add(listener);
      const shared = (subscriber ??= start());
      const leave = (): void => {
        listeners.delete(listener);
        if (listeners.size === 0 && subscriber === shared) {
          subscriber = undefined;
          shared.then(
            (opened) => opened.destroy(),
            () => {},
          );
          return;
        }
        // Sent after a subscribing that is still under way. A lost connection forgets by itself.
        shared
          .then((opened) =>
            channels.length > 0
              ? opened.unsubscribe(channels, heard)
              : opened.unsubscribePattern(`${prefix}*`, heard),
          )
          .catch(() => {});
      };
      try {
        await within(clock, startLimitMs, { signal }, async () => {
          const opened = await shared;
          signal.throwIfAborted();
          await (channels.length > 0
            ? opened.subscribe(channels, heard)
            : opened.subscribePattern(`${prefix}*`, heard));
        });
      } catch (reason) {
        leave();
        throw ComponentError.is(reason)
          ? reason
          : new ComponentError(
              "unavailable",
              `cannot listen to redis at ${settings.where}: ${messageOf(reason)}`,
              { cause: reason },
            );
      }
      if (signal.aborted) leave();
      else signal.addEventListener("abort", leave, { once: true });
    },
    close: () => {
      closing.abort(new ComponentError("unavailable", "the component is closed"));
      listeners.clear();
      subscriber?.then(
        (opened) => opened.destroy(),
        () => {},
      );
      subscriber = undefined;
    },
  };
}

/** Dapr: replaces the setting; here what is there stays, since others may need it. */
async function enableEvents(connection: RedisConnection, options: CallOptions): Promise<void> {
  const name = "notify-keyspace-events";
  const reply = await connection.send(["CONFIG", "GET", name], options);
  const given = Array.isArray(reply) ? String(reply[1] ?? "") : "";
  const missing = neededEvents.filter(
    (event) => !given.includes(event) && (event === "K" || !given.includes("A")),
  );
  if (missing.length > 0)
    await connection.send(["CONFIG", "SET", name, given + missing.join("")], options);
}
