/**
 * `npm run bench:kubernetes`: every measurement of this folder, one after the other, each in a process of its own.
 *
 *     npm run bench:kubernetes                          # all: about 20 minutes
 *     npm run bench:kubernetes -- listener churn        # these only
 *     npm run bench:kubernetes -- outage                # half an hour, and so only when asked for
 *
 * `injector`, `jobs`, `real-jobs`, `upgrade` and `outage` start clusters (test/cluster/README.md), the last three need root.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";

const all = [
  "node-memory",
  "listener",
  "neighbour",
  "churn",
  "injector",
  "jobs",
  "real-jobs",
  "upgrade",
] as const;
const known: readonly string[] = [...all, "outage"];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) throw new Error(`No "${unknown[0]}" here; there are ${known.join(", ")}`);
const missed: string[] = [];
for (const name of asked.length > 0 ? asked : all) {
  console.log(`\n## ${name}\n`);
  if ((await run(name)) !== 0) missed.push(name);
}
if (missed.length > 0) {
  console.log(`\nMissed a goal, or failed: ${missed.join(", ")}`);
  process.exitCode = 1;
}

function run(name: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
      stdio: "inherit",
    });
    child.once("error", reject);
    child.once("exit", resolve);
  });
}
