/** A single question to the API server, while it may not be there yet. */
import { Agent, request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";

export interface Access {
  readonly server: string;
  readonly token: string;
  /** PEM text. */
  readonly ca: string;
}

/** The status; 0: no answer within 2 s. */
export function ask({ server, token, ca }: Access, path: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(`${server}${path}`, {
      ca,
      headers: { authorization: `Bearer ${token}` },
      timeout: 2000,
      // A connection of its own: one that is kept could be to a server that has since been killed.
      agent: new Agent({ keepAlive: false }),
    });
    asked.once("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(0));
    asked.once("close", () => resolve(0));
    asked.end();
  });
}

/** Waits for a condition; `failed` may say early why it will never hold. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { withinMs = 60_000, failed = (): string | undefined => undefined } = {},
): Promise<void> {
  for (const deadline = Date.now() + withinMs; ;) {
    if (await holds()) return;
    const why = failed();
    if (why !== undefined) throw new Error(`${what}: ${why}`);
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs / 1000} s`);
    await delay(50);
  }
}
