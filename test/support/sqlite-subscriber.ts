/** Subscribes as a process of its own and prints each message; answers with the verdict that it is told. */
import { pubsub } from "#components/sqlite/manifest.ts";
import type { Ack } from "#core/ports/pub-sub.ts";
import { openComponent, testHost } from "./host.ts";

const [connectionString = "", topic = "", consumerId = "", verdict = "done"] =
  process.argv.slice(2);
const broker = await openComponent(pubsub, { connectionString }, testHost());
await broker.subscribe?.(
  { topic, consumerId, metadata: {} },
  async (messages) => {
    for (const { data } of messages) process.stdout.write(`${Buffer.from(data).toString()}\n`);
    if (verdict === "never") await new Promise(() => {});
    return messages.map(() => verdict as Ack);
  },
  { signal: new AbortController().signal },
);
process.stdout.write("subscribed\n");
setInterval(() => {}, 1000);
