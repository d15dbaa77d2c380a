/**
 * npm run bench -- [--json FILE] [--only NAME,…] [--seconds N] [--peer URL,PID…] [--peer-grpc HOST:PORT] [--peer-app URL]
 * Measures the built runtime as a process of its own, on this machine's loopback. See README.md.
 */
import { writeFileSync } from "node:fs";
import { loadGenerator } from "./load.ts";
import { buildGrpcTool, grpcAppRuntime, grpcSend } from "./grpc-load.ts";
import { httpSend, type Measured, measure } from "./measure.ts";
import { type Options, readOptions, type Target } from "./options.ts";
import { peakRssBytes, rssBytes } from "./process.ts";
import { measureDurable } from "./durable.ts";
import { deleteStream, redisMissing } from "./redis.ts";
import { compare, type Result } from "./results.ts";
import { measurePolicies, policiesRow, sampledRow } from "./policies.ts";
import { clean, grpcRows, rows, seed, topic } from "./rows.ts";
import { type Life, rssOfApps, startBackend, startFloor, startRuntime } from "./runtime.ts";
import { newerThanBuild } from "./stale.ts";
import { measureStream, streamRow } from "./stream.ts";
import { mib, printHead, printRow, printShare, printStream } from "./table.ts";

const rounds = 2;

async function bench({ json, only, seconds, peer, peerApp }: Options, life: Life): Promise<void> {
  const stale = newerThanBuild();
  if (stale !== undefined)
    console.error(
      `dist/ is older than ${stale}: these are figures of the old build; npm run build\n`,
    );
  const generator = await loadGenerator();
  const noRedis = await redisMissing();
  const withRedis = noRedis === undefined;
  const backend = await startBackend(life);
  const starts: number[] = [];
  for (let i = 0; i < 5; i++) {
    const started = await startRuntime({ resources: [] }, life);
    starts.push(started.startMs);
    await started.stop();
  }
  const resources = withRedis ? ["components.yaml", "redis.yaml"] : ["components.yaml"];
  const runtime = await startRuntime({ appPort: backend.port, resources }, life);
  // What the start has left is given back by then (targets/node/memory/idle-gc.ts).
  await new Promise((done) => setTimeout(done, 3000));
  const rssIdleBytes = rssBytes(runtime.pids);
  const floor = await startFloor(backend.port, life);
  const targets: readonly Target[] = peer ? [runtime, peer] : [runtime];
  if (withRedis) life.after.defer(() => deleteStream(topic));
  for (const { base } of targets) {
    life.after.defer(() => clean(base, withRedis));
    await seed(base, withRedis);
  }
  console.log(
    `load by ${generator}, app in ${backend.language}, ${rounds} rounds of ${seconds} s a row\n`,
  );
  printHead(peer !== undefined);
  const results: Result[] = [];
  const add = async (
    name: string,
    [ours, theirs]: readonly Measured[],
    least?: Measured,
  ): Promise<void> => {
    if (!ours) return;
    const result = compare(name, ours, theirs, least);
    results.push(result);
    printRow(result);
  };
  const isWanted = (name: string): boolean => only?.includes(name) ?? true;
  const plan = { generator, seconds, rounds, signal: life.signal };
  for (const row of rows) {
    if (!isWanted(row.name)) continue;
    if (row.redis && noRedis !== undefined) {
      console.log(`${row.name.padEnd(22)}    skipped: ${noRedis}`);
      continue;
    }
    const all = [...targets, floor[row.floor]];
    const measured = await measure(await httpSend(row, all, plan), all, plan);
    await add(row.name, measured.slice(0, -1), measured.at(-1));
  }
  for (const name of [policiesRow, sampledRow] as const) {
    if (!isWanted(name)) continue;
    const measured = await measurePolicies(name, backend.port, plan, life);
    // Its peer is ours without policies.
    await add(name, measured);
    printShare(name, measured);
  }
  const other = peer && { target: peer, app: peerApp };
  await measureDurable(isWanted, noRedis, other, plan, life, add);
  const tool = await buildGrpcTool();
  for (const row of grpcRows) {
    if (!isWanted(row.name)) continue;
    if (tool === undefined) {
      console.log(`${row.name.padEnd(22)}    skipped: Go is not installed`);
      continue;
    }
    const measured = row.grpcApp
      ? [await grpcAppRuntime(tool, life), ...(peer ? [peer] : [])]
      : targets;
    const reachable = measured.filter(({ grpc }) => grpc !== undefined);
    await add(
      row.name,
      await measure(grpcSend(tool, row, life.signal), reachable, { seconds, rounds }),
    );
  }
  const stream = isWanted(streamRow) ? await measureStream(backend.port, life) : undefined;
  if (stream) printStream(stream);
  const rssPeakBytes = peakRssBytes(runtime.pids);
  const perApp = only ? undefined : ((await rssOfApps(11, life)) - (await rssOfApps(1, life))) / 10;
  const extras = {
    startMs: [...starts].sort((a, b) => a - b)[2] ?? 0,
    rssIdleBytes,
    rssPeakBytes,
    ...(perApp === undefined ? {} : { rssPerFurtherAppBytes: perApp }),
    ...(stream ? { stream } : {}),
  };
  console.log(
    `\nstart to first healthz 204: ${extras.startMs.toFixed(0)} ms (median of ${starts.length}); RSS idle ${mib(rssIdleBytes)}, peak ${mib(rssPeakBytes)}${perApp === undefined ? "" : `; each further app ${mib(perApp)}`}`,
  );
  if (json === undefined) return;
  writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(`${json}.extras.json`, `${JSON.stringify(extras, null, 1)}\n`);
}

const stopped = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(name, () => stopped.abort(new Error(`stopped by ${name}`)));
const after = new AsyncDisposableStack();
try {
  await bench(readOptions(process.argv.slice(2)), { after, signal: stopped.signal });
} catch (thrown) {
  const reason = (stopped.signal.aborted ? stopped.signal.reason : thrown) as Error;
  console.error(`\nThe bench failed: ${reason.message}`);
  if (reason.cause instanceof Error) console.error(`  because: ${reason.cause.message}`);
  process.exitCode = 1;
}
await after.disposeAsync().catch((reason: unknown) => {
  console.error(`Not everything was cleaned up: ${String(reason)}`);
  process.exitCode = 1;
});
