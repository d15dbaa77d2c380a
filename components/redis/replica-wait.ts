import type { Clock } from "#core/ports/platform.ts";
import type { RedisConnection } from "./connection.ts";
import { countReplicas } from "./replicas.ts";
import type { RedisSettings } from "./settings.ts";

const longestWaitMs = 1000;
const recountMs = 60_000;

/**
 * Returns a function that resolves once the replicas have all writes that have been answered so far, or have had a
 * second for it: then a write counts as written, as in state stores. WAIT keeps its connection from everything else, so
 * writes that are answered together share one, and a replica that is gone is waited for once only.
 */
export async function createReplicaWait(
  connection: RedisConnection,
  { mode, readTimeoutMs }: RedisSettings,
  clock: Pick<Clock, "now">,
): Promise<() => Promise<void>> {
  // A cluster has many servers, and WAIT is about one of them.
  if (mode === "cluster") return async () => {};
  const timeoutMs = Math.min(longestWaitMs, Math.floor(readTimeoutMs / 2));
  const options = new AbortController();
  let replicas = 0;
  let countedAt = 0;
  const recount = async (): Promise<void> => {
    countedAt = clock.now();
    // A server that does not say has none.
    replicas = await countReplicas(connection).catch(() => 0);
  };
  let shared: Promise<void> | undefined;
  const wait = async (): Promise<void> => {
    await Promise.resolve();
    shared = undefined;
    if (clock.now() - countedAt >= recountMs) await recount();
    if (replicas === 0) return;
    const command = ["WAIT", String(replicas), String(timeoutMs)];
    if (Number(await connection.send(command, options)) < replicas) await recount();
  };
  await recount();
  return () => (shared ??= wait());
}
