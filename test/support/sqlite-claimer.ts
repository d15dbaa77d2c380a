/** Fires what is due as a process of its own and prints the name of each entry before it completes it. */
import { coordination } from "#components/sqlite/manifest.ts";
import { openComponent, testHost } from "./host.ts";

const [connectionString = "", queue = "", holdMs = ""] = process.argv.slice(2);
const { dueTimes } = await openComponent(coordination, { connectionString }, testHost());
const options = { signal: new AbortController().signal };
process.stdout.write("open\n");
for (;;) {
  const { entries } = await dueTimes.claim([queue], {
    ...options,
    now: Date.now(),
    limit: 7,
    holdMs: Number(holdMs),
  });
  for (const { name } of entries) process.stdout.write(`${name}\n`);
  await dueTimes.complete(
    entries.map((entry) => ({ entry })),
    options,
  );
  if (entries.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
