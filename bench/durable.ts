import { createClient } from "@redis/client";
import { Pool } from "undici";
import {
  activateActors,
  actorType,
  dueAt,
  durableRows,
  type FireRow,
  fireRows,
  type Post,
  remoteCall,
} from "./durable-rows.ts";
import { connections } from "./load.ts";
import { httpSend, type Measured, measure, type Plan, round3 } from "./measure.ts";
import type { Target } from "./options.ts";
import { cpuMicros, rssBytes } from "./process.ts";
import { type Life, startBackend, startFloor, startRuntime } from "./runtime.ts";

export const durableNames: readonly string[] = [
  ...durableRows.map(({ name }) => name),
  remoteCall.name,
  ...fireRows,
];

/** A runtime, and the app behind it that counts what it is called for. */
interface Pair {
  readonly target: Target;
  readonly app: string | undefined;
}
type Add = (name: string, measured: readonly Measured[], least?: Measured) => Promise<void>;

/** The rows that are wanted, each beside its floor and the peer. */
export async function measureDurable(
  isWanted: (name: string) => boolean,
  noRedis: string | undefined,
  peer: Pair | undefined,
  plan: Plan,
  life: Life,
  add: Add,
): Promise<void> {
  const names = durableNames.filter(isWanted);
  const skip = (why: string): void => {
    for (const name of names) console.log(`${name.padEnd(22)}    skipped: ${why}`);
  };
  if (names.length === 0) return;
  if (noRedis !== undefined) return skip(noRedis);
  const backend = await startBackend(life, actorType);
  if (backend.language !== "Go") return skip("Go is not installed");
  const group = `bench-${process.pid}-${Date.now()}`;
  life.after.defer(() => deleteKeys(group));
  const args = ["--placement-host-address", group, "--scheduler-host-address", group];
  const resources = ["actors.yaml"];
  const runtime = await startRuntime({ appPort: backend.port, resources, args }, life);
  const floor = await startFloor(backend.port, life);
  const own: Pair = { target: runtime, app: `http://127.0.0.1:${backend.port}` };
  const pairs = peer ? [own, peer] : [own];
  const targets = pairs.map(({ target }) => target);
  for (const { base } of targets) await withPool(base, (post) => activateActors(base, post));
  for (const row of durableRows) {
    if (!isWanted(row.name)) continue;
    const all = [...targets, floor[row.floor]];
    const measured = await measure(await httpSend(row, all, plan), all, plan);
    await add(row.name, measured.slice(0, -1), measured.at(-1));
  }
  if (isWanted(remoteCall.name)) {
    const other = await startRuntime({ resources, args: ["--app-id", "caller", ...args] }, life);
    // Both runtimes work for one call.
    const pids = [...other.pids, ...runtime.pids];
    const all = [{ ...other, pids }, floor.proxy];
    const [ours, least] = await measure(await httpSend(remoteCall, all, plan), all, plan);
    await add(remoteCall.name, ours ? [ours] : [], least);
    await other.stop();
  }
  for (const row of fireRows) {
    if (!isWanted(row)) continue;
    const measured: Measured[] = [];
    for (const pair of pairs)
      if (pair.app !== undefined) measured.push(await measureFires(row, pair, pair.app, life));
    await add(row, measured);
  }
}

const fires = 20_000;
/** Time to register all of them. */
const aheadMs = 30_000;

/** How fast what is due at one moment is run: from the first call of the app to the last. */
async function measureFires(
  row: FireRow,
  { target: { base, pids } }: Pair,
  app: string,
  { signal }: Life,
): Promise<Measured> {
  await fetch(`${app}/fires`, { method: "DELETE" });
  const due = new Date(Date.now() + aheadMs);
  await withPool(base, async (post) => {
    let n = 0;
    const worker = async (): Promise<void> => {
      while (n < fires) {
        signal.throwIfAborted();
        const { path, body } = dueAt(row, due, n++);
        await post(base, path, body);
      }
    };
    await Promise.all(Array.from({ length: connections }, worker));
  });
  const ahead = due.getTime() - Date.now();
  if (ahead < 0) throw new Error(`${row}: registering ${fires} took longer than ${aheadMs} ms`);
  await new Promise((done) => setTimeout(done, ahead - 100));
  const before = cpuMicros(pids);
  let [count, ms] = [0, 0];
  for (const until = Date.now() + 120_000; count < fires;) {
    signal.throwIfAborted();
    if (Date.now() > until) throw new Error(`${row}: only ${count} of ${fires} have fired`);
    await new Promise((done) => setTimeout(done, 100));
    const text = await (await fetch(`${app}/fires`)).text();
    [count = 0, ms = 0] = text.split(" ").map(Number);
  }
  return {
    requestsPerSecond: Math.round(count / (ms / 1000)),
    p50Ms: round3(ms / 2),
    p99Ms: ms,
    ...(pids.length === 0
      ? {}
      : {
          cpuMicrosPerRequest: round3((cpuMicros(pids) - before) / count),
          rssBytes: rssBytes(pids),
        }),
  };
}

async function withPool(base: string, work: (post: Post) => Promise<void>): Promise<void> {
  const pool = new Pool(base, { connections });
  const headers = { "content-type": "application/json" };
  try {
    await work(async (_, path, body) => {
      const answer = await pool.request({ method: "POST", path, body, headers });
      const text = await answer.body.text();
      if (answer.statusCode > 299)
        throw new Error(`${path} at ${base} answered ${answer.statusCode}: ${text}`);
    });
  } finally {
    await pool.destroy();
  }
}

/** Takes away what the group of this run has left in Redis. The state of its actors has keys of the app's. */
async function deleteKeys(group: string): Promise<void> {
  const client = createClient({ url: "redis://127.0.0.1:6379" });
  client.on("error", () => {});
  await client.connect();
  try {
    for (const pattern of [`outrigger:{${group}}:*`, `bench||${actorType}||*`])
      for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: 1000 }))
        if (keys.length > 0) await client.unlink(keys);
  } finally {
    await client.close();
  }
}
