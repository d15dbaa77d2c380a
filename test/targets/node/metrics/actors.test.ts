import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { startNode } from "#targets/node/start.ts";
import { eventually } from "#test/support/eventually.ts";
import { parseExposition, valueOf } from "#test/support/exposition.ts";
import { keptLog } from "#test/support/kept-log.ts";
import { nodeApp } from "#test/support/node-runtime.ts";

const store = `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: store }
spec: { type: state.in-memory, version: v1, metadata: [{ name: actorStateStore, value: "true" }] }
`;
const config = JSON.stringify({ entities: ["cart"], actorIdleTimeout: "50ms" });

it("counts deactivations that the app refuses, and logs the first of them", async () => {
  await using undo = new AsyncDisposableStack();
  const app = createServer(({ method, url }, response) => {
    response.writeHead(method === "DELETE" ? 503 : 200).end(url === "/dapr/config" ? config : "");
  });
  undo.use(app);
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  const log = keptLog();
  const runtime = await startNode({
    apps: [
      nodeApp({
        appPort: (app.address() as AddressInfo).port,
        metricsPort: 0,
        metricsListenAddresses: ["127.0.0.1"],
        inlineResources: [{ name: "store.yaml", text: store }],
        coordination: {
          actors: true,
          jobs: false,
          hasFile: false,
          group: "default",
          driver: { type: "coordination.in-memory", metadata: {} },
        },
      }),
    ],
    log,
    env: {},
    failOnComponentError: true,
    shutdown: () => {},
  });
  undo.defer(() => runtime.stop());
  const { httpPort, metricsPort } = runtime.apps.get("orders") ?? {};
  for (const id of ["a", "b"]) {
    const url = `http://127.0.0.1:${httpPort}/v1.0/actors/cart/${id}/method/m`;
    expect((await fetch(url, { method: "POST" })).status).toBe(200);
  }
  await eventually(async () => {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const name = "dapr_runtime_actor_deactivated_failed_total";
    return valueOf(parseExposition(text), name, { app_id: "orders", actor_type: "cart" }) === 2;
  });
  expect(log.of("error")).toEqual([]);
  expect(log.of("warn")).toEqual([
    "Cannot deactivate an actor of type cart: the app responded with 503",
  ]);
});
