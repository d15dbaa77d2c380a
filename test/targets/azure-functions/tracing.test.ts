import { expect, test } from "vitest";
import { otlpHttpReceiver } from "#test/doubles/otlp-receiver.ts";
import { openFunctions } from "#test/support/cell-functions.ts";
import { eventually } from "#test/support/eventually.ts";

test("spans of the function app go out with the request or the timer that made them", async () => {
  await using receiver = await otlpHttpReceiver();
  await using cell = await openFunctions({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${receiver.address}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OUTRIGGER_RESOURCES_2: `
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: echo }
spec: { type: bindings.cron, version: v1, metadata: [{ name: schedule, value: "@every 15s" }] }
`,
  });
  const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  expect((await cell.fetch("/v1.0/state/statestore/none", { headers })).status).toBe(204);
  const [span] = await eventually(() => receiver.spans.length === 1 && receiver.spans);
  expect(span).toMatchObject({
    name: "/v1.0/state/statestore/none",
    parentId: "b7ad6b7169203331",
    resource: { "service.name": "orders" },
  });
  await cell.host.timer("cron-echo");
  const fired = await eventually(() => receiver.spans[1]);
  expect(fired).toMatchObject({ name: "bindings/echo", parentId: "", failed: false });
});
