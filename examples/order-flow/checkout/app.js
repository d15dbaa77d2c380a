// Takes orders: reserves stock, signs with a secret, keeps the order, tells everyone.
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

async function order({ id, item, quantity, price }) {
  const reservation = await client.invoker.invoke("inventory", "reserve", HttpMethod.POST, {
    item,
    quantity,
  });
  if (!reservation.reserved) return { id, accepted: false, reservation };
  const secret = await client.secret.get("vault", "payments:apiKey");
  const paid = secret["payments:apiKey"].length > 0;
  const placed = { id, item, quantity, total: quantity * price, paid };
  await client.state.save("statestore", [{ key: `order-${id}`, value: placed }]);
  await client.pubsub.publish("pubsub", "orders", placed);
  return { id, accepted: true, paid, total: placed.total, reservation };
}

await server.invoker.listen("order", async ({ body }) => order(JSON.parse(body)), {
  method: HttpMethod.POST,
});
await server.start();
console.log("checkout is up");
