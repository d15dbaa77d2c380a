import type { LockRelease, LockStore } from "#core/ports/lock-store.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { connect, type RedisConnection } from "./connection.ts";
import { lock } from "./manifest.ts";
import { countReplicas } from "./replicas.ts";
import { readSettings } from "./settings.ts";

/** Deletes KEYS[1] if it holds ARGV[1]: nobody gives back what another has taken over meanwhile. */
const releaseScript = `
local owner = redis.call("GET", KEYS[1])
if not owner then return "absent" end
if owner ~= ARGV[1] then return "not-owner" end
redis.call("DEL", KEYS[1])
return "released"`;

export async function open(spec: ComponentSpec, { clock, log }: Host): Promise<LockStore> {
  const settings = readSettings(spec, lock.options);
  // Dapr: a failover may lose a lock; with sentinels that is taken into account, elsewhere refused.
  if (settings.mode === "cluster")
    throw new Error("this component does not support connecting to Redis Cluster");
  const connection = await connect(settings, { clock, log, component: spec.name });
  try {
    if (settings.mode === "node" && (await hasReplicas(connection)))
      throw new Error("replication is not supported");
  } catch (reason) {
    connection.close();
    throw reason;
  }
  return {
    acquire: async (resource, owner, ttlSeconds, options) => {
      const set = ["SET", resource, owner, "NX", "EX", String(ttlSeconds)];
      return (await connection.send(set, options, resource)) !== null;
    },
    release: async (resource, owner, options) => {
      const evaluate = ["EVAL", releaseScript, "1", resource, owner];
      return String(await connection.send(evaluate, options, resource)) as LockRelease;
    },
    ping: async (options) => {
      await connection.send(["PING"], options);
    },
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}

/** Dapr: a server that does not say has none. */
async function hasReplicas(connection: RedisConnection): Promise<boolean> {
  return (await countReplicas(connection).catch(() => 0)) > 0;
}
