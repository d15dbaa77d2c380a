import { optionsOf } from "#components/_shared/options.ts";
import type { Coordination } from "#core/ports/coordination.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { connect } from "./connection.ts";
import { createCoordinationGroup } from "./coordination-group.ts";
import { createDueTimes } from "./due-times.ts";
import { coordination } from "./manifest.ts";
import { createOwnership } from "./ownership.ts";
import { createReplicaWait } from "./replica-wait.ts";
import { readSettings } from "./settings.ts";

export async function open(spec: ComponentSpec, { clock, log }: Host): Promise<Coordination> {
  const settings = readSettings(spec, coordination.options);
  const name = optionsOf(spec, coordination.options).text("group") ?? "";
  const connection = await connect(settings, { clock, log, component: spec.name });
  const waitForReplicas = await createReplicaWait(connection, settings, clock);
  const group = createCoordinationGroup({ connection, name, waitForReplicas });
  return {
    ownership: createOwnership(group),
    dueTimes: createDueTimes(group),
    ping: async (options) => {
      await connection.send(["PING"], options);
    },
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}
