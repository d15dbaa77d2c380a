import { createHash } from "node:crypto";
import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Argument } from "./client.ts";
import type { RedisConnection } from "./connection.ts";

/** A Lua script, and the digest by which servers that have run it know it. */
export interface Script {
  readonly text: string;
  readonly digest: string;
}

export function defineScript(text: string): Script {
  return { text, digest: createHash("sha1").update(text).digest("hex") };
}

/** Runs the script by its digest, and by its text where the server does not know it yet. */
export async function runScript(
  connection: RedisConnection,
  { text, digest }: Script,
  keys: readonly string[],
  args: readonly Argument[],
  options: CallOptions,
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args];
  const [key] = keys;
  try {
    return await connection.send(["EVALSHA", digest, ...rest], options, key);
  } catch (reason) {
    if (!ComponentError.is(reason) || !reason.message.startsWith("NOSCRIPT")) throw reason;
    return connection.send(["EVAL", text, ...rest], options, key);
  }
}
