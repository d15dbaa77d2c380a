import type { CoordinationDriver } from "#core/hosting/coordination.ts";
import type { CoordinationFlags } from "#targets/node/coordination.ts";
import { type Flags, UsageError } from "./flags.ts";

/** The setting of each driver that its connection is. */
const connectionOf: Readonly<Record<string, string | undefined>> = {
  sqlite: "connectionstring",
  redis: "redishost",
  postgresql: "connectionstring",
  mysql: "connectionstring",
  "in-memory": undefined,
};

/**
 * Where owners of actors and due times are kept. Dapr's addresses are dialled by nobody: that they are given turns
 * actors and jobs on, and those who give the same are of one group. `isAlwaysOn`: they are on without, too.
 */
export function coordinationFlags(
  flags: Flags,
  isAlwaysOn: boolean,
): { readonly coordination?: CoordinationFlags } {
  const text = flags.text("coordination");
  if (text === "off") return {};
  const driver = text === "" ? undefined : driverOf(text);
  const placement = addressIn(flags.text("placement-host-address"));
  const scheduler = flags
    .list("scheduler-host-address")
    .map(addressIn)
    .filter((each) => each !== "")
    .join(",");
  const isOn = isAlwaysOn || driver !== undefined;
  const actors = isOn || placement !== "";
  const jobs = isOn || scheduler !== "";
  if (!actors && !jobs) return {};
  const group = placement || scheduler || "default";
  return { coordination: { actors, jobs, group, ...(driver ? { driver } : {}) } };
}

/** Scripts and manifests give an empty address in quotes, or as blanks. */
function addressIn(text: string): string {
  return text.replace(/^[\s"']+|[\s"']+$/g, "");
}

function driverOf(text: string): CoordinationDriver {
  const colon = text.indexOf(":");
  const name = colon === -1 ? text : text.slice(0, colon);
  const connection = colon === -1 ? "" : text.slice(colon + 1);
  if (!Object.hasOwn(connectionOf, name))
    throw new UsageError(
      `Invalid value ${JSON.stringify(text)} for --coordination: give off, or a driver and its connection such as sqlite:/var/lib/outrigger.db or redis:localhost:6379; drivers are ${Object.keys(connectionOf).join(", ")}`,
    );
  const setting = connectionOf[name];
  if (setting !== undefined && connection === "")
    throw new UsageError(
      `Invalid value ${JSON.stringify(text)} for --coordination: the connection is missing, as in ${name}:…`,
    );
  return {
    type: `coordination.${name}`,
    metadata: setting === undefined ? {} : { [setting]: connection },
  };
}
