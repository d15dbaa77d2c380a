/**
 * A real Kubernetes on this machine: `node scripts/cluster/main.ts build | up [MODE] | down [SLOT|all] | list`.
 * `up` prints what a shell evaluates to have KUBECONFIG.
 */
import type { ClusterMode } from "./api.ts";
import { build, isBuilt } from "./build.ts";
import { startCluster } from "./cluster.ts";
import { placesOf, runFolder } from "./places.ts";
import { whyNot } from "./requirements.ts";
import { clear, takenSlots } from "./slots.ts";

const usage = `Usage: main.ts can [control|kwok|node|node2]      (exit code 0 where this machine can have it)
       main.ts build [control|kwok|node|node2]
       main.ts up [control|kwok|node|node2] [IMAGE.tar...]
       main.ts down [SLOT|all]
       main.ts list

Environment: OUTRIGGER_CLUSTER_SLOT   0 to 49, for clusters side by side (default: 0)
             OUTRIGGER_CLUSTER_RUN    folder for what runs
             OUTRIGGER_CLUSTER_PORT   first port of slot 0 (default: 14000)
             KWOK_NODES               pretended nodes of "up kwok" (default: 2)
`;
const modes: readonly ClusterMode[] = ["control", "kwok", "node", "node2"];
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const slot = Number(process.env["OUTRIGGER_CLUSTER_SLOT"] ?? 0);

async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command === "can") return void (await modeOf(rest[0]));
  if (command === "build") return build(await modeOf(rest[0]), say);
  if (command === "up") return up(rest);
  if (command === "down") return down(rest[0]);
  if (command === "list") return list();
  throw new Error(usage);
}

async function modeOf(text = "control"): Promise<ClusterMode> {
  const mode = modes.find((known) => known === text);
  if (mode === undefined) throw new Error(`There is no kind of cluster "${text}"\n${usage}`);
  const reason = whyNot(mode, await isBuilt());
  if (reason !== undefined) throw new Error(`This machine cannot have it: ${reason}`);
  return mode;
}

async function up([text, ...images]: readonly string[]): Promise<void> {
  const mode = await modeOf(text);
  const kwokNodes = Number(process.env["KWOK_NODES"] ?? 2);
  const cluster = await startCluster({ mode, images, kwokNodes, slot, keep: true }, say);
  if (cluster.nodes.length > 0)
    say(
      `API at ${cluster.server}; on a node: ${cluster.networkPrefix().join(" ")} COMMAND; ` +
        `this machine, seen from there: ${cluster.hostAddress}`,
    );
  process.stdout.write(`export KUBECONFIG=${cluster.kubeconfig}\n`);
}

async function down(which: string | undefined): Promise<void> {
  const taken = which === "all" ? await takenSlots() : [which === undefined ? slot : Number(which)];
  for (const one of taken) await clear(placesOf(one));
}

async function list(): Promise<void> {
  for (const one of await takenSlots()) process.stdout.write(`${one}\t${placesOf(one).folder}\n`);
  say(`in ${runFolder}`);
}

try {
  await main(process.argv.slice(2));
} catch (reason) {
  say((reason as Error).message);
  process.exitCode = 1;
}
