import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ConnectionDeps, RedisConnection } from "./connection.ts";

/** Keyspace events: generic ones, those of strings, of expiry and of eviction. */
const neededEvents = ["K", "g", "$", "x", "e"] as const;
const retryMs = 2000;

/**
 * Makes the server send the notifications that are needed. Waits for a server that is away for as long as `isWanted`;
 * one that does not allow the change is logged.
 */
export async function enableKeyEvents(
  connection: RedisConnection,
  where: string,
  { clock, log, component }: ConnectionDeps,
  isWanted: () => boolean,
  options: CallOptions,
): Promise<void> {
  while (isWanted()) {
    try {
      await addMissingEvents(connection, options);
      return;
    } catch (reason) {
      if (ComponentError.is(reason) && reason.kind === "unavailable") {
        await clock.sleep(retryMs, options).catch(() => {});
        continue;
      }
      log.warn(
        `Redis at ${where} does not let its key events be turned on; changes are seen only if notify-keyspace-events has ${neededEvents.join("")}: ${messageOf(reason)}`,
        { component },
      );
      return;
    }
  }
}

/** Dapr: replaces the setting; here what is there stays, since others may need it. */
async function addMissingEvents(connection: RedisConnection, options: CallOptions): Promise<void> {
  const name = "notify-keyspace-events";
  const reply = await connection.send(["CONFIG", "GET", name], options);
  const given = Array.isArray(reply) ? String(reply[1] ?? "") : "";
  const missing = neededEvents.filter(
    (event) => !given.includes(event) && (event === "K" || !given.includes("A")),
  );
  if (missing.length > 0)
    await connection.send(["CONFIG", "SET", name, given + missing.join("")], options);
}
