/**
 * node test/reload/storm.ts [reloads] [seed]: edits a component of a real sidecar again and again, one edit in
 * ten wrong, while requests go to it and to others. Ends with 1 when a request to another component failed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { sidecar } from "#test/support/sidecar.ts";

const reloads = Number(process.argv[2] ?? 1000);
let seed = Number(process.argv[3] ?? 1);
const random = (): number => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

const folder = mkdtempSync(join(tmpdir(), "outrigger-storm-"));
mkdirSync(join(folder, "resources"));
const write = (name: string, text: string): void =>
  writeFileSync(join(folder, "resources", `${name}.yaml`), text);
const store = (name: string, mark: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: ${name} }\nspec: { type: state.in-memory, version: v1, metadata: [{ name: mark, value: "${mark}" }] }\n`;
const wrong = [
  (): string => "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: edited\nspec: [",
  (): string => store("edited", "x").replace("state.in-memory", "state.no-such-type"),
  (): string =>
    store("edited", "x")
      .replace("state.in-memory", "state.sqlite")
      .replace("mark", "connectionString"),
];
const others = ["one", "two", "three"];
for (const name of [...others, "edited"]) write(name, store(name, "0"));

const runtime = await sidecar({
  args: [
    "--app-id",
    "storm",
    "--log-level",
    "fatal",
    "--resources-path",
    join(folder, "resources"),
  ],
});
await runtime.healthy();
const rss = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${runtime.child.pid}/status`, "utf8"))?.[1]) /
  1024;

const counts = { sent: 0, failed: 0, editedFailed: 0 };
const failures = new Map<string, number>();
let isOver = false;
async function load(name: string): Promise<void> {
  while (!isOver) {
    counts.sent++;
    const status = await fetch(`http://127.0.0.1:${runtime.httpPort}/v1.0/state/${name}/k`).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.status;
      },
      (reason: unknown) => String(reason),
    );
    if (status === 204) continue;
    if (name === "edited") counts.editedFailed++;
    else {
      counts.failed++;
      failures.set(String(status), (failures.get(String(status)) ?? 0) + 1);
    }
  }
}
const loads = [...others, "edited"].flatMap((name) => [load(name), load(name)]);
const before = rss();
let invalid = 0;
for (let i = 1; i <= reloads; i++) {
  const isWrong = random() < 0.1;
  if (isWrong) invalid++;
  write(
    "edited",
    isWrong ? (wrong[i % wrong.length] as () => string)() : store("edited", String(i)),
  );
  await delay(130);
}
write("edited", store("edited", "last"));
await delay(1000);
const after = rss();
isOver = true;
await Promise.all(loads);
const metadata = await (await fetch(`http://127.0.0.1:${runtime.httpPort}/v1.0/metadata`)).text();
const code = await runtime.stop();
rmSync(folder, { recursive: true, force: true });
process.stdout.write(
  `${reloads} edits (${invalid} wrong), ${counts.sent} requests: ${counts.failed} failed on other components, ` +
    `${counts.editedFailed} on the edited one; RSS ${before.toFixed(0)} -> ${after.toFixed(0)} MiB; exit code ${code}\n`,
);
for (const [why, count] of failures) process.stdout.write(`  ${count} x ${why}\n`);
if (metadata.includes("outrigger.reload.errors"))
  process.stdout.write("  errors stayed in the metadata\n");
process.exitCode = counts.failed + counts.editedFailed > 0 || code !== 0 ? 1 : 0;
