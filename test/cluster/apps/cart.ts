/**
 * `checkout` (POST) does with the SDK what a shop does: asks `orders` for the total, keeps and reads state, reads
 * a secret, and tells everyone on the topic `placed`. `over`: the SDK's client for HTTP or for gRPC.
 */
import { CommunicationProtocolEnum, DaprClient, DaprServer, HttpMethod } from "@dapr/dapr";

interface Order {
  readonly id: string;
  readonly over: "http" | "grpc";
  readonly quantity: number;
  readonly price: number;
}
const server = new DaprServer({ serverPort: process.env["APP_PORT"] ?? "3000" });
const clients = {
  http: server.client,
  // Finds DAPR_GRPC_ENDPOINT and the token by itself.
  grpc: new DaprClient({ communicationProtocol: CommunicationProtocolEnum.GRPC }),
};

await server.invoker.listen(
  "checkout",
  async ({ body }) => {
    const { id, over, quantity, price } = JSON.parse(body ?? "") as Order;
    const client = clients[over];
    const placed = await client.invoker.invoke("orders", "place", HttpMethod.POST, {
      quantity,
      price,
    });
    const key = `order-${id}`;
    const { total } = placed as { total: number };
    await client.state.save("statestore", [{ key, value: { id, total } }]);
    const kept: unknown = await client.state.get("statestore", key);
    const secret: unknown = await client.secret.get("kubernetes", "payment");
    await client.pubsub.publish("pubsub", "placed", { id, total });
    return { placed, kept, secret };
  },
  { method: HttpMethod.POST },
);
await server.start();
