/**
 * npm run bench -- [--json FILE] [--only NAME,…] [--seconds N] [--peer URL,PID…]
 * Measures the built runtime as a process of its own, on this machine's loopback. See README.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Load, load, loadGenerator } from "./load.ts";
import { cpuMicros, rssBytes } from "./process.ts";
import { clean, type Row, rows, seed } from "./rows.ts";
import { listens, type Running, rssOfApps, startBackend, startRuntime } from "./runtime.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    only: { type: "string" },
    seconds: { type: "string", default: "5" },
    peer: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const rounds = 2;
const only = values.only?.split(",");

interface Result {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerRequest: number;
  readonly rssBytes: number;
}
interface Target {
  readonly base: string;
  readonly pids: readonly number[];
}

const generator = await loadGenerator();
const withRedis = await listens(6379);
const backend = await startBackend();
const starts: number[] = [];
let runtime: Running | undefined;
try {
  for (let i = 0; i < 5; i++) {
    const started = await startRuntime({ resources: [] });
    starts.push(started.startMs);
    await started.stop();
  }
  const resources = withRedis ? ["components.yaml", "redis.yaml"] : ["components.yaml"];
  runtime = await startRuntime({ appPort: backend.port, resources });
  await new Promise((done) => setTimeout(done, 1000));
  const idle = rssBytes(runtime.pids);
  const peer = values.peer === undefined ? undefined : peerOf(values.peer);
  const targets: readonly Target[] = peer ? [runtime, peer] : [runtime];
  for (const { base } of targets) await seed(base, withRedis);
  console.log(
    `load by ${generator}, app in ${backend.language}, ${rounds} rounds of ${seconds} s a row${withRedis ? "" : "; rows with Redis left out: nothing listens on 127.0.0.1:6379"}\n`,
  );
  printHead(peer !== undefined);
  const results: Array<Result & { readonly peer?: Result }> = [];
  for (const row of rows) {
    if ((row.redis && !withRedis) || (only && !only.includes(row.name))) continue;
    const [ours, theirs] = await measure(row, targets);
    results.push(theirs ? { ...(ours as Result), peer: theirs } : (ours as Result));
    printRow(ours as Result, theirs);
  }
  for (const { base } of targets) await clean(base, withRedis);
  const one = only ? 0 : await rssOfApps(1);
  const eleven = only ? 0 : await rssOfApps(11);
  const extras = {
    startMs: median(starts),
    rssIdleBytes: idle,
    rssPeakBytes: Math.max(...results.map((result) => result.rssBytes)),
    rssPerFurtherAppBytes: (eleven - one) / 10,
  };
  console.log(
    `\nstart to first healthz 204: ${extras.startMs.toFixed(0)} ms (median of ${starts.length}); RSS idle ${mib(idle)}, highest after a row ${mib(extras.rssPeakBytes)}${only ? "" : `; each further app ${mib(extras.rssPerFurtherAppBytes)}`}`,
  );
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(results, null, 1)}\n`);
    writeFileSync(`${values.json}.extras.json`, `${JSON.stringify(extras, null, 1)}\n`);
  }
} finally {
  await runtime?.stop();
  backend.stop();
}

/** Each target in turn, round by round, so that a drift of the machine meets all of them. */
async function measure(row: Row, targets: readonly Target[]): Promise<readonly Result[]> {
  const measured = targets.map((): Array<Load & { readonly cpu: number }> => []);
  for (const { base } of targets) await load(generator, base, row, Math.min(2, seconds));
  for (let round = 0; round < rounds; round++)
    for (const [i, { base, pids }] of targets.entries()) {
      const before = cpuMicros(pids);
      const done = await load(generator, base, row, seconds);
      measured[i]?.push({ ...done, cpu: cpuMicros(pids) - before });
    }
  return measured.map((of, i) => ({
    name: row.name,
    requestsPerSecond: Math.round(sum(of, (each) => each.requestsPerSecond) / of.length),
    p50Ms: round3(Math.min(...of.map((each) => each.p50Ms))),
    p99Ms: round3(Math.min(...of.map((each) => each.p99Ms))),
    cpuMicrosPerRequest: round3(sum(of, (each) => each.cpu) / sum(of, (each) => each.requests)),
    rssBytes: rssBytes(targets[i]?.pids ?? []),
  }));
}

function peerOf(text: string): Target {
  const [base = "", ...pids] = text.split(",");
  return { base: base.replace(/\/$/, ""), pids: pids.map(Number) };
}
function printHead(withPeer: boolean): void {
  console.log(
    `${"".padEnd(20)}${["req/s", "p50 ms", "p99 ms", "CPU µs", "RSS"].map((name) => name.padStart(10)).join("")}${withPeer ? "   peer req/s    CPU µs   ratio req/s   ratio CPU" : ""}`,
  );
}
function printRow(ours: Result, theirs: Result | undefined): void {
  const cells = [
    String(ours.requestsPerSecond),
    ours.p50Ms.toFixed(2),
    ours.p99Ms.toFixed(2),
    ours.cpuMicrosPerRequest.toFixed(1),
    mib(ours.rssBytes),
  ];
  const compared = theirs
    ? `${String(theirs.requestsPerSecond).padStart(13)}${theirs.cpuMicrosPerRequest.toFixed(1).padStart(10)}${(ours.requestsPerSecond / theirs.requestsPerSecond).toFixed(2).padStart(14)}${(ours.cpuMicrosPerRequest / theirs.cpuMicrosPerRequest).toFixed(2).padStart(12)}`
    : "";
  console.log(
    `${ours.name.padEnd(20)}${cells.map((cell) => cell.padStart(10)).join("")}${compared}`,
  );
}
function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}
function sum<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((total, each) => total + of(each), 0);
}
function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
