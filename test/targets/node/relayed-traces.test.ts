import { afterEach, describe, expect, it } from "vitest";
import { appServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { inMemoryResources } from "#test/support/in-memory-resources.ts";
import { tracedRuntime } from "#test/support/traced-runtime.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});
function kept<T extends AsyncDisposable>(opened: T): T {
  open.push(opened);
  return opened;
}
const post = (
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const hook = (port: number): string => `
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: hook }
spec: { type: bindings.http, version: v1, metadata: [{ name: url, value: "http://127.0.0.1:${port}/echo" }] }
`;

describe("trace contexts where nothing is exported and no rate is given", () => {
  const zeros = `00-${"0".repeat(32)}-${"0".repeat(16)}-00`;
  it.each([
    [
      "are passed on as they came",
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02",
      "a=b",
    ],
    ["are zeros where there is none, as Dapr's are", undefined, undefined],
  ])("%s", async (_, given, state) => {
    const app = kept(await appServer());
    const { url, grpcPort } = kept(
      await tracedRuntime([
        {
          appPort: app.port,
          inlineResources: [
            { name: "cell.yaml", text: inMemoryResources },
            { name: "hook.yaml", text: hook(app.port) },
          ],
        },
      ]),
    );
    const headers: Record<string, string> =
      given && state ? { traceparent: given, tracestate: state } : {};
    const wanted = given ?? zeros;
    const last = (path: string) =>
      eventually(async () => (await app.saw(path)).at(-1), { what: path });
    const invoked = await post(`${url("orders")}/v1.0/invoke/orders/method/echo`, {}, headers);
    expect(invoked.headers.get("traceparent")).toBe(wanted);
    expect((await last("/echo")).headers).toMatchObject(headers);
    expect((await last("/echo")).headers["traceparent"]).toBe(wanted);
    await post(`${url("orders")}/v1.0/bindings/hook`, { operation: "post", data: 1 }, headers);
    expect((await last("/echo")).headers["traceparent"]).toBe(wanted);
    await post(`${url("orders")}/v1.0/publish/pubsub/orders`, {}, headers);
    const delivered = await last("/on-order");
    expect(delivered.headers["traceparent"]).toBe(wanted);
    expect(JSON.parse(delivered.body)).toMatchObject({
      traceid: given ?? "",
      traceparent: given ?? "",
      tracestate: state ?? "",
    });
    using client = wireClient(grpcPort("orders"));
    const key = { storeName: "statestore", key: "a" };
    const { code, headers: metadata } = await client.unary("GetState", key, { metadata: headers });
    expect(code).toBe(0);
    expect(metadata.get("grpc-trace-bin")).toHaveLength(1);
  });
});
