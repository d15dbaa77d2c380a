import { setTimeout as delay } from "node:timers/promises";
import type { Cli } from "./cli.ts";

const requestMs = 500;
const pauseMs = 100;

/**
 * `--wait`: polls the runtime on this machine until it can be called. Dapr: daprd exits with 0 even
 * if it gives up; Outrigger exits with 1.
 */
export async function waitForOutbound(
  cli: Pick<Cli, "err">,
  port: number,
  withinMs: number,
): Promise<number> {
  const url = `http://127.0.0.1:${port}/v1.0/healthz/outbound`;
  cli.err(`Waiting up to ${withinMs / 1000} s for ${url}\n`);
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await ask(url);
    if (answer === "204") {
      cli.err("The runtime is up\n");
      return 0;
    }
    if (performance.now() + pauseMs > deadline) {
      cli.err(`Gave up on ${url} after ${withinMs / 1000} s; last result: ${answer}\n`);
      return 1;
    }
    await delay(pauseMs);
  }
}

async function ask(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(requestMs) });
    await answer.body?.cancel();
    return String(answer.status);
  } catch (reason) {
    const cause = (reason as Error).cause;
    return cause instanceof Error ? cause.message : String(reason);
  }
}
