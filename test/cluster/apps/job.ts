/**
 * What a Job does, step by step, by its arguments: `publish:ID` on the topic `placed`, `lock:RESOURCE` of the store
 * `locks`, `wait:MS`, `memory` until it is killed, `exit:CODE`. It ends by itself, and waits for no runtime.
 */
import { DaprClient } from "@dapr/dapr";
import { setTimeout as delay } from "node:timers/promises";

const client = new DaprClient();
const owner = process.env["POD_NAME"] ?? "";
const steps: Readonly<Record<string, (what: string) => Promise<void> | void>> = {
  publish: async (id) => {
    const { error } = await client.pubsub.publish("pubsub", "placed", { id });
    if (error) throw error;
  },
  lock: async (resource) => {
    const { success } = await client.lock.lock("locks", resource, owner, 600);
    if (!success) throw new Error(`no lock for ${resource}`);
  },
  wait: (ms) => delay(Number(ms)),
  memory: () => {
    const kept: Buffer[] = [];
    for (;;) kept.push(Buffer.alloc(1 << 20, 1));
  },
  exit: (code) => process.exit(Number(code)),
};

for (const argument of process.argv.slice(2)) {
  const [step = "", what = ""] = argument.split(":");
  await steps[step]?.(what);
}
await client.stop();
