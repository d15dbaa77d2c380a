import { get } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const askMs = 100;
const answerMs = 1000;

/** Resolves when another process of the node is ready (its `/readyz` on the port that both share), or after that time. */
export async function successor(
  { port, address }: { readonly port: number; readonly address: string },
  withinMs: number,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    if (await isReady(port, address === "" ? "127.0.0.1" : address)) return;
    await delay(askMs);
  }
}

function isReady(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = get(
      { host, port, path: "/readyz", agent: false, timeout: answerMs },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
  });
}
