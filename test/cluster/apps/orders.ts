/** Takes orders by the SDK: `place` (POST) answers their total and who took them. */
import { DaprServer, HttpMethod } from "@dapr/dapr";

const server = new DaprServer({ serverPort: process.env["APP_PORT"] ?? "3000" });
const by = process.env["POD_NAME"];

await server.invoker.listen(
  "place",
  async ({ body }) => {
    const { quantity, price } = JSON.parse(body ?? "") as { quantity: number; price: number };
    return { total: quantity * price, by };
  },
  { method: HttpMethod.POST },
);
await server.start();
