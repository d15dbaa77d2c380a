import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { frame } from "#targets/node/grpc/frames.ts";
import { eventually } from "#test/support/eventually.ts";
import { type GrpcApp, grpcApp } from "#test/support/grpc-app.ts";
import { type TwoRuntimes, twoRuntimes } from "#test/support/two-runtimes.ts";

/** A policy without retries, under which calls are watched to their end. */
const resiliency = JSON.stringify({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Resiliency",
  metadata: { name: "limits" },
  spec: {
    policies: { timeouts: { long: "60s" } },
    targets: { apps: { cart: { timeout: "long" } } },
  },
});

describe.each([
  ["an app of its own", "callee", false],
  ["an app of another runtime", "caller", false],
  ["an app of another runtime, under a policy", "caller", true],
] as const)("a client stream to %s", (_, end, isGuarded) => {
  let app: GrpcApp;
  let runtimes: TwoRuntimes;
  beforeAll(async () => {
    app = await grpcApp();
    runtimes = await twoRuntimes(
      { appPort: app.port, appProtocol: "grpc" },
      isGuarded ? { inlineResources: [{ name: "resiliency.yaml", text: resiliency }] } : {},
    );
  });
  afterAll(async () => {
    await runtimes?.[Symbol.asyncDispose]();
    await app?.[Symbol.asyncDispose]();
  });
  // To a server the end of the messages means that all of them have come: it may act on them.
  it("that is cancelled has not ended for the app", async () => {
    const session = connect(`http://127.0.0.1:${runtimes[end].grpcPort}`).on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": "/my.Service/Upload",
      "content-type": "application/grpc",
      te: "trailers",
      "dapr-app-id": "cart",
    });
    stream.on("error", () => {});
    stream.write(frame(Buffer.from("one")));
    const call = await eventually(() => app.calls.at(-1), { what: "the call" });
    stream.destroy(new Error("gone"));
    await eventually(() => call.resetBy !== undefined, { what: "the end of the call" });
    expect(call).toMatchObject({ hasEnded: false, resetBy: 8 });
    session.destroy();
  });
});
