/**
 * A real Kubernetes node on this machine, our chart, three apps with the official Dapr SDK and a Job. Each step is
 * checked from outside; the exit code says whether all held. `--keep` leaves the cluster up.
 */
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../test/support/eventually.ts";
import { build, isBuilt } from "./cluster/build.ts";
import { installChart, systemNamespace } from "./cluster/chart.ts";
import { startCluster } from "./cluster/cluster.ts";
import type { Cluster } from "./cluster/api.ts";
import { appsImage, runtimeImage } from "./cluster/images.ts";
import { whyNot } from "./cluster/requirements.ts";
import { type SeenPod, type Shop, makeNamespaces, openShop } from "./cluster/shop.ts";
import { annotationsOf, app, component, deployment, job } from "./cluster/workloads.ts";

/** A daprd that idles, by Dapr's own figures, in MB. */
const publishedDaprd = [33, 36] as const;
const apps = ["cart", "orders", "shipping"];

const since = performance.now();
let last = since;
let steps = 0;
/** Prints a step with its time; throws when what was found is not what was wanted. */
function done(what: string, found: unknown = true, wanted: unknown = true): void {
  const ok = isDeepStrictEqual(found, wanted);
  const seconds = ((performance.now() - last) / 1000).toFixed(1).padStart(5);
  console.log(
    `${ok ? "ok  " : "FAIL"} ${String(++steps).padStart(2)}  ${what.padEnd(84)} ${seconds} s`,
  );
  if (!ok)
    throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(found)}`);
  last = performance.now();
}

async function play(cluster: Cluster): Promise<void> {
  const shop = openShop(cluster);
  await makeNamespaces(cluster, []);
  await installChart(cluster, { secrets: { namespaces: ["shop"] } });
  done("the chart is in: runtime, injector and certificate authority are ready");

  await cluster.apply([
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "payment", namespace: "shop" },
      stringData: { key: "sesame" },
    },
    component("pubsub", "pubsub.in-memory"),
    component("statestore", "state.in-memory"),
    ...apps.map((name) => deployment(app(name))),
  ]);
  await shop.available(...apps);
  const pods = (await Promise.all(apps.map((name) => shop.pods(name)))).flat();
  done("three apps are up; containers that were added to their pods", addedTo(pods), 0);

  for (const over of ["http", "grpc"]) {
    const order = { id: over, over, quantity: 2, price: 3 };
    const { kept, secret } = (await shop.ask("cart", "/checkout", { body: order })).json<{
      readonly kept: unknown;
      readonly secret: unknown;
    }>();
    done(
      `cart over ${over}: orders is invoked, state kept, a Secret read, the order published`,
      { kept, secret },
      { kept: { id: over, total: 6 }, secret: { key: "sesame" } },
    );
  }
  await arrives(shop, ["grpc", "http"]);
  done("shipping got both orders");

  const command = ["node", "/app/job.mjs", "publish:job"];
  await cluster.apply([job({ name: "nightly", command, annotations: annotationsOf("nightly") })]);
  await cluster.kubectl(["-n", "shop", "wait", "--for=condition=Complete", "job/nightly"]);
  await arrives(shop, ["grpc", "http", "job"]);
  done("a Job published with its first call and completed by itself; shipping got it");
  done("containers that were added to its pod", addedTo(await shop.pods("nightly")), 0);

  const status = await shop.k8s("status");
  done("outrigger k8s status: all is well", status.code, 0);
  console.log(`\n${(await shop.k8s("apps", "--namespace", "shop")).stdout}`);
}

const addedTo = (pods: readonly SeenPod[]): number =>
  pods.reduce(
    (sum, { spec }) => sum + spec.containers.length - 1 + (spec.initContainers?.length ?? 0),
    0,
  );

async function arrives(shop: Shop, wanted: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const answer = await shop.ask("shipping", "/shipped");
      const ids = answer.json<ReadonlyArray<{ readonly id: string }>>().map(({ id }) => id);
      return isDeepStrictEqual(ids.toSorted(), wanted);
    },
    { what: "the messages", withinMs: 15_000 },
  );
}

/** Resident memory of the runtime: its supervisor and the process of the namespace. */
async function memory(cluster: Cluster): Promise<string> {
  const node = cluster.nodes[0]?.name ?? "";
  const table = await cluster.nodeExec(node, ["ps", "-eo", "pid=,ppid=,rss=,args="]);
  const processes = table
    .trim()
    .split("\n")
    .map((line) => /^ *(\d+) +(\d+) +(\d+) (.*)$/.exec(line) ?? [])
    .map(([, pid, parent, kilobytes, command = ""]) => ({
      pid,
      parent,
      megabytes: Number(kilobytes) / 1024,
      command,
    }));
  const supervisor = processes.find(({ command }) => command.includes("outrigger.mjs node "));
  const groups = processes.filter(({ parent }) => parent === supervisor?.pid);
  const sum = [supervisor, ...groups].reduce((all, one) => all + (one?.megabytes ?? 0), 0);
  const daprds = publishedDaprd.map((each) => each * apps.length).join(" to ");
  return (
    `memory   the runtime of the node: ${sum.toFixed(0)} MB (supervisor ${(supervisor?.megabytes ?? 0).toFixed(0)},` +
    ` group ${groups.map(({ megabytes }) => megabytes.toFixed(0)).join(" + ")}), and hardly more for more apps;\n` +
    `         ${apps.length} daprds: ${daprds} MB by their published ${publishedDaprd.join(" to ")} MB each, and one more for each Job while it runs`
  );
}

const keep = process.argv.includes("--keep");
let cluster: Cluster | undefined;
try {
  console.log("Kubernetes on this machine: one runtime for the apps and Jobs of a node\n");
  const reason = whyNot("node", await isBuilt());
  if (reason !== undefined) throw new Error(`this machine cannot have it: ${reason}`);
  const say = (line: string): void => console.log(`     ${line}`);
  await build("node", say);
  const images = [await runtimeImage(), await appsImage()];
  cluster = await startCluster({ mode: "node", images, keep }, say);
  done("a cluster with a real node is up");
  await play(cluster);
  console.log(await memory(cluster));
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.log(`\n${steps} steps, all as they should be, in ${seconds} s`);
} catch (reason) {
  process.exitCode = 1;
  console.error(`\nThe demo failed: ${(reason as Error).message}`);
  const log = ["-n", systemNamespace, "logs", "daemonset/outrigger-node", "--tail=40"];
  const ran = await cluster?.tryKubectl(log);
  if (ran) console.error(`\nLast lines of the runtime:\n${ran.stdout}`);
} finally {
  if (cluster && keep) console.log(`\nStill up: export KUBECONFIG=${cluster.kubeconfig}`);
  else await cluster?.[Symbol.asyncDispose]();
}
