import type { RedisConnection } from "./connection.ts";

/** How many replicas follow the server now. */
export async function countReplicas(connection: RedisConnection): Promise<number> {
  const text = String(await connection.send(["INFO", "replication"], new AbortController()));
  return Number(/^connected_slaves:(\d+)/m.exec(text)?.[1] ?? 0);
}
