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
/** Connections hold passwords, which command lines show to everybody. */
const variable = "OUTRIGGER_COORDINATION";
/** Runtimes that are told no group are of this one. */
export const defaultGroup = "default";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * What an app has without `--coordination`. `file`: actors and jobs, kept in the actor state store or a file of this user.
 * `asked`: the same, but only where Dapr's addresses turn them on. `store`: those that an actor state store can keep.
 */
export type WithoutCoordination = "file" | "asked" | "store";

/**
 * Where owners of actors and due times are kept. Dapr's addresses are dialled by nobody: that they are given turns
 * actors and jobs on. Those who give the same placement address are of one group; the scheduler's names none, since run
 * files give it for single apps, whose actors the others call.
 */
export function coordinationFlags(
  flags: Flags,
  env: Env,
  without: WithoutCoordination,
): { readonly coordination?: CoordinationFlags } {
  const choice = coordinationChoice(flags.text("coordination"), env);
  if (choice === "off") return {};
  const placement = addressIn(flags.text("placement-host-address"));
  const hasScheduler = flags.list("scheduler-host-address").some((each) => addressIn(each) !== "");
  const isOn = without !== "asked" || choice !== undefined;
  const actors = isOn || placement !== "";
  const jobs = isOn || hasScheduler;
  if (!actors && !jobs) return {};
  const group = placement || defaultGroup;
  const driver = choice ? { driver: choice } : {};
  return { coordination: { actors, jobs, group, hasFile: without !== "store", ...driver } };
}

/** Scripts and manifests give an empty address in quotes, or as blanks. */
function addressIn(text: string): string {
  return text.replace(/^[\s"']+|[\s"']+$/g, "");
}

/**
 * What the flag says, or the environment, which counts more; `undefined` for nothing.
 *
 * @throws {UsageError} without the connection in its message.
 */
export function coordinationChoice(flag: string, env: Env): CoordinationDriver | "off" | undefined {
  const given = env[variable] ?? "";
  const [text, label] = given === "" ? [flag, "--coordination"] : [given, variable];
  return text === "" || text === "off" ? text || undefined : driverOf(text, label);
}

/**
 * What a value names.
 *
 * @throws {UsageError} without the connection in its message.
 */
export function driverOf(text: string, label: string): CoordinationDriver {
  const colon = text.indexOf(":");
  const name = colon === -1 ? text : text.slice(0, colon);
  const connection = colon === -1 ? "" : text.slice(colon + 1);
  const fault = (why: string): UsageError =>
    new UsageError(`Invalid value for ${label}, which starts with "${name.slice(0, 40)}": ${why}`);
  const isUrl = connection.startsWith("//");
  if (name === "rediss" || (name === "redis" && isUrl))
    return { type: "coordination.redis", metadata: redisOf(text, fault) };
  if (!Object.hasOwn(connectionOf, name))
    throw fault(
      `give off, or a driver and its connection such as sqlite:/var/lib/outrigger.db or redis:localhost:6379; drivers are ${Object.keys(connectionOf).join(", ")}`,
    );
  const setting = connectionOf[name];
  if (setting !== undefined && connection === "")
    throw fault(`the connection is missing, as in ${name}:…`);
  return {
    type: `coordination.${name}`,
    metadata: setting === undefined ? {} : { [setting]: connection },
  };
}

/** `redis://user:password@host:port/database`; `rediss` is with TLS. */
function redisOf(text: string, fault: (why: string) => Error): CoordinationDriver["metadata"] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const database = url?.pathname.slice(1) ?? "";
  if (!url || url.host === "" || !/^\d*$/.test(database) || url.search + url.hash !== "")
    throw fault("give redis://user:password@host:port/database; rediss connects with TLS");
  const given = {
    redishost: url.host,
    redisusername: decodeURIComponent(url.username),
    redispassword: decodeURIComponent(url.password),
    redisdb: database,
    enabletls: url.protocol === "rediss:" ? "true" : "",
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ""));
}
