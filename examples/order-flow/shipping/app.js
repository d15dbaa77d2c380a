// Ships what is ordered: expensive orders by express, the rest when the next sweep comes.
import { CommunicationProtocolEnum, DaprServer, HttpMethod } from "@dapr/dapr";

const server = new DaprServer({
  serverHost: "127.0.0.1",
  serverPort: process.env.APP_PORT,
  clientOptions: {
    daprHost: "127.0.0.1",
    daprPort: process.env.DAPR_HTTP_PORT,
    communicationProtocol: CommunicationProtocolEnum.HTTP,
  },
});
const express = [];
const waiting = [];
const swept = [];
let sweeps = 0;

await server.pubsub.subscribeWithOptions("pubsub", "orders", {
  route: { rules: [{ match: "event.data.total > 100", path: "express" }], default: "standard" },
});
server.pubsub.subscribeToRoute("pubsub", "orders", "express", async (order) => {
  express.push(order.id);
});
server.pubsub.subscribeToRoute("pubsub", "orders", "standard", async (order) => {
  waiting.push(order.id);
});

// The cron binding of components/sweep.yaml.
await server.binding.receive("sweep", async () => {
  sweeps++;
  for (const id of waiting.splice(0)) {
    await server.client.state.save("statestore", [
      { key: `shipment-${id}`, value: { id, shipped: true } },
    ]);
    swept.push(id);
  }
});

await server.invoker.listen("report", async () => ({ express, waiting, swept, sweeps }), {
  method: HttpMethod.GET,
});
await server.start();
console.log("shipping is up");
