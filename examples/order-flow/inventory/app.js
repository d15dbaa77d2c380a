// Keeps the stock. Invoked by checkout; two orders at once make it resolve an ETag conflict.
import { setTimeout as pause } from "node:timers/promises";
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
const { client } = server;
const store = "statestore";
const audited = [];

/** Takes `quantity` of an item; tries again when another order changed the stock in between. */
async function reserve({ item, quantity }) {
  for (let attempts = 1; ; attempts++) {
    const [stock] = await client.state.getBulk(store, [item]);
    const left = stock.data - quantity;
    if (left < 0) return { item, reserved: false, left: stock.data, attempts };
    await pause(50); // Long enough for another order to come in between.
    const { error } = await client.state.save(store, [
      { key: item, value: left, etag: stock.etag, options: { concurrency: 1 /* first-write */ } },
    ]);
    if (!error) return { item, reserved: true, left, attempts };
  }
}

await server.invoker.listen(
  "stock",
  async ({ body }) => client.state.save(store, JSON.parse(body)),
  {
    method: HttpMethod.PUT,
  },
);
await server.invoker.listen("reserve", async ({ body }) => reserve(JSON.parse(body)), {
  method: HttpMethod.POST,
});
await server.invoker.listen("report", async () => ({ audited }), { method: HttpMethod.GET });

// The route of components/audit.yaml.
await server.invoker.listen(
  "audit",
  async ({ body }) => {
    audited.push(JSON.parse(body).data.id);
    return { status: "SUCCESS" };
  },
  { method: HttpMethod.POST },
);

await server.start();
console.log("inventory is up");
