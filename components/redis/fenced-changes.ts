import { ComponentError } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Fence } from "#core/ports/state-store.ts";
import type { Argument } from "./client.ts";
import type { RedisConnection } from "./connection.ts";
import { runScript } from "./script.ts";
import * as scripts from "./state-scripts.ts";

/** Applies changes where no greater fence of the scope is known. Returns the number of the change that is refused, or 0. */
export async function applyFencedChanges(
  connection: RedisConnection,
  { scope, fence }: Fence,
  keys: readonly string[],
  args: readonly Argument[],
  options: CallOptions,
): Promise<unknown> {
  const fenceKey = `outrigger:fence:${scope}`;
  const allArgs = [...args, String(fence)];
  const refused = await runScript(
    connection,
    scripts.applyFencedChanges,
    [...keys, fenceKey],
    allArgs,
    options,
  );
  if (refused === scripts.fencedOut)
    throw new ComponentError(
      "fenced",
      `A fence greater than ${fence} is known of "${scope}"; its owner has changed`,
    );
  return refused;
}
