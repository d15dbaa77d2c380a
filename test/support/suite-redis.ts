import { hasRedisServer, redisServer } from "./redis-server.ts";
import { redisResources } from "./suite-resources.ts";

/** The stores of the API suite that need a server, and the server. */
export interface SuiteRedis extends AsyncDisposable {
  readonly resources: string;
  /** Why there are none although they are wanted. */
  readonly lacks?: string;
  set(key: string, value: string): Promise<void>;
}

/** A server of the file's own, for watching changes a setting of it; without one where the file needs none. */
export async function suiteRedis(isWanted: boolean | undefined): Promise<SuiteRedis> {
  if (!isWanted) return none;
  if (!hasRedisServer) {
    const lacks = "redis-server is not installed";
    // Where all services are promised (.ci/run), a missing one is a fault and not a reason to skip.
    if (process.env["OUTRIGGER_REQUIRE_SERVICES"] === "1") throw new Error(lacks);
    return { ...none, lacks };
  }
  const server = await redisServer();
  return {
    resources: redisResources(server.address),
    set: async (key, value) => void (await server.cli("SET", key, value)),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

const none: SuiteRedis = {
  resources: "",
  set: async () => {
    throw new Error("This cell has no configuration store");
  },
  [Symbol.asyncDispose]: async () => {},
};
