import type { Refuse } from "#core/errors/not-built.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { describePlainly } from "#core/kernel/facts/describe.ts";

/** An operation of a block that is not there yet: all is known of it but what it does. */
export type NotBuilt = Operation<undefined, never>;

export function notBuilt(
  name: NotBuilt["name"],
  api: string,
  endpoint: string,
  refuse: Refuse,
): NotBuilt {
  return defineOperation(
    name,
    { api, endpoint, describe: describePlainly, metric: undefined },
    async ({ app }) => {
      throw refuse(app.telemetry);
    },
  );
}
