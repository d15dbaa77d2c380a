import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Measured, measure, type Plan, type Send } from "./measure.ts";
import type { Target } from "./options.ts";
import { load } from "./load.ts";
import { probe, type Row } from "./rows.ts";
import { bin, end, freePorts, isHealthy, type Life, untilUp } from "./runtime.ts";

/** An invocation from one app to another, the policies of both in force; the peer of the row has none. */
export const policiesRow = "invoke.http.policies";
/** The same with every call traced and exported. */
export const sampledRow = "invoke.http.policies.sampled";

const token = "bench-token-0123456789";
const row = (name: string, headers: Readonly<Record<string, string>>): Row => ({
  name,
  method: "GET",
  path: "/v1.0/invoke/bench/method/hello",
  status: 200,
  floor: "proxy",
  headers,
});

/** With every policy, then with none: each in a process of its own that hosts caller and callee. */
export async function measurePolicies(
  name: typeof policiesRow | typeof sampledRow,
  backendPort: number,
  plan: Plan,
  life: Life,
): Promise<readonly Measured[]> {
  const samplingRate = name === sampledRow ? "1" : "0.01";
  const withAll = await startApps("with", samplingRate, backendPort, life);
  const without = await startApps("without", "0", backendPort, life);
  const asked = new Map<Target, Row>([
    [withAll, row(name, { "dapr-api-token": token })],
    [without, row(name, {})],
  ]);
  for (const [{ base }, each] of asked) await probe(base, each);
  const send: Send = (target, seconds) =>
    load(plan.generator, target.base, asked.get(target) as Row, seconds, plan.signal);
  // A ratio is what is asked for: in turns of a second, a drift of the machine meets both.
  const turns = { seconds: 1, rounds: plan.seconds * plan.rounds };
  const measured = await measure(send, [withAll, without], turns);
  await Promise.all([withAll.stop(), without.stop()]);
  return measured;
}

async function startApps(
  kind: "with" | "without",
  samplingRate: string,
  backendPort: number,
  life: Life,
): Promise<Target & { stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-bench-"));
  life.after.defer(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "resources"));
  const text = (name: string): string =>
    readFileSync(join(import.meta.dirname, "resources/policies", name), "utf8");
  writeFileSync(
    join(folder, "config.yaml"),
    text(`${kind}.yaml`)
      .replace("{collector}", `127.0.0.1:${backendPort}`)
      .replace("{samplingRate}", samplingRate),
  );
  if (kind === "with")
    writeFileSync(join(folder, "resources/resiliency.yaml"), text("resiliency.yaml"));
  const ports = await freePorts(6);
  const app = (appID: string, at: number, more: object): object => ({
    appID,
    appDirPath: ".",
    daprHTTPPort: ports[at],
    daprGRPCPort: ports[at + 1],
    metricsPort: ports[at + 2],
    configFilePath: "./config.yaml",
    command: ["sleep", "3600"],
    ...more,
  });
  const apps = [app("caller", 0, {}), app("bench", 3, { appPort: backendPort })];
  writeFileSync(
    join(folder, "dapr.yaml"),
    JSON.stringify({ version: 1, common: { resourcesPath: "./resources" }, apps }),
  );
  const child = spawn(process.execPath, [bin, "run", "-f", "dapr.yaml"], {
    cwd: folder,
    stdio: "ignore",
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      ...(kind === "with" ? { DAPR_API_TOKEN: token } : {}),
    },
  });
  life.after.defer(() => end(child));
  const base = `http://127.0.0.1:${ports[0]}`;
  await untilUp("The runtime", child, life, () => isHealthy(base));
  // Of the runtime alone: the apps are its children.
  return { base, pids: [child.pid as number], stop: () => end(child) };
}
