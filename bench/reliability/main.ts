/**
 * npm run reliability -- [turns | reminders | rebalance | idle | due-times] [--coordination DRIVER[:CONNECTION]] [--seed N] …
 * Tries the promises of docs/reliability.md on the built runtime, on loopback. Exits with 1 if one is broken.
 */
import { writeFileSync } from "node:fs";
import type { Life } from "../runtime.ts";
import { readOptions } from "./options.ts";
import { preparePlace } from "./place.ts";
import { runMode } from "./modes.ts";

const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => ending.abort(new Error(`Received ${signal}`)));

const options = readOptions(process.argv.slice(2));
const after = new AsyncDisposableStack();
const life: Life = { after, signal: ending.signal };
try {
  const place = await preparePlace(options.coordination, life);
  const result = await runMode(options, place, life);
  const { faults, ...figures } = result;
  const text = JSON.stringify({ mode: options.mode, seed: options.seed, ...figures });
  console.log(text);
  if (options.json !== undefined) writeFileSync(options.json, `${text}\n`);
  for (const fault of faults) console.error(`BROKEN: ${fault}`);
  console.log(faults.length === 0 ? "All promises were kept" : `${faults.length} broken promises`);
  if (faults.length > 0 || ending.signal.aborted) process.exitCode = 1;
} finally {
  await after.disposeAsync();
}
