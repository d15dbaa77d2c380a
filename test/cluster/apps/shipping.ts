/** Keeps what comes by the SDK's subscription to the topic `placed`; `shipped` (GET) answers it. */
import { DaprServer, HttpMethod } from "@dapr/dapr";

const server = new DaprServer({ serverPort: process.env["APP_PORT"] ?? "3000" });
const shipped: unknown[] = [];

await server.pubsub.subscribe("pubsub", "placed", async (order: unknown) => {
  // What busybox's wget sends is a form, whatever it is.
  shipped.push(typeof order === "string" ? JSON.parse(order) : order);
});
await server.invoker.listen("shipped", async () => shipped, { method: HttpMethod.GET });
await server.start();
