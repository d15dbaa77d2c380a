/**
 * Calls its runtime with its first instruction, and again until it is answered. The last line says, as JSON, what came
 * of the calls before it, for how long they went wrong after the first that somebody took (`failingMs`), and how long
 * the last one was (`tookMs`).
 */
import { setTimeout as delay } from "node:timers/promises";

const { env } = process;
const came: Record<string, number> = {};
let reached: number | undefined;
let failed = 0;
for (;;) {
  const since = performance.now();
  const how = await fetch(`${env["DAPR_HTTP_ENDPOINT"]}/v1.0/metadata`, {
    headers: { "dapr-api-token": env["DAPR_API_TOKEN"] ?? "" },
    signal: AbortSignal.timeout(20_000),
  }).then(
    async (answer) => {
      await answer.text();
      return String(answer.status);
    },
    (reason: Error) => (reason.cause as { code?: string } | undefined)?.code ?? reason.name,
  );
  if (how !== "ECONNREFUSED") reached ??= since;
  const now = performance.now();
  if (how === "200") {
    const failingMs = Math.max(0, Math.round(failed - (reached ?? 0)));
    const said = { came, failingMs, tookMs: Math.round(now - since) };
    process.stdout.write(`${JSON.stringify(said)}\n`);
    break;
  }
  failed = now;
  came[how] = (came[how] ?? 0) + 1;
  await delay(20);
}
