import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Argument } from "./client.ts";
import type { RedisConnection } from "./connection.ts";
import { runScript, type Script } from "./script.ts";

/** The keys of one group of runtimes, and what is asked of them. */
export interface CoordinationGroup {
  /** The names share a hash tag: in a cluster, a script may use the keys of one server only. */
  key(name: string): string;
  read(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    options: CallOptions,
  ): Promise<unknown>;
  /** As `read`, and resolves once the replicas have the changes, too. */
  change: CoordinationGroup["read"];
  /** Resolves once the replicas have what was changed so far. */
  replicated(): Promise<void>;
  /** A single command; its second word is the key. */
  send(command: readonly [string, string, ...Argument[]], options: CallOptions): Promise<unknown>;
}

export function createCoordinationGroup({
  connection,
  name,
  waitForReplicas,
}: {
  readonly connection: RedisConnection;
  readonly name: string;
  readonly waitForReplicas: () => Promise<void>;
}): CoordinationGroup {
  // A hash tag ends with the first "}", so a name must not have one.
  const prefix = `outrigger:{${name.replaceAll(/[%{}]/g, encodeURIComponent)}}:`;
  const read: CoordinationGroup["read"] = (script, keys, args, options) =>
    runScript(connection, script, keys, args, options).catch(failureOf(keys));
  return {
    key: (rest) => prefix + rest,
    read,
    change: async (...call) => {
      const reply = await read(...call);
      await waitForReplicas();
      return reply;
    },
    replicated: waitForReplicas,
    send: (command, options) =>
      connection.send(command, options, command[1]).catch(failureOf([command[1]])),
  };
}

/** Redis' own text does not say which key it is about. */
function failureOf(keys: readonly string[]): (reason: unknown) => never {
  return (cause) => {
    // Before version 7 the text of an error in a script starts with "ERR Error running script".
    if (!ComponentError.is(cause) || !cause.message.includes("WRONGTYPE")) throw cause;
    throw new ComponentError(
      "rejected",
      `One of these keys holds a value of another type, which Outrigger has not written; delete it, or choose another group: ${keys.join(", ")}`,
      { cause },
    );
  };
}
