import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { status } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import {
  InvokeRequestSchema,
  InvokeResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/common/v1/common_pb.js";
import type { NodeAppOptions } from "#targets/node/options.ts";
import { frame } from "#targets/node/grpc/frames.ts";
import { type GrpcApp, grpcApp, type GrpcCall } from "#test/support/grpc-app.ts";
import { wireClient } from "#test/support/grpc-client.ts";
import { answerText, type RawApp, rawApp, rawCall, valuesOf } from "#test/support/raw-http.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { type TwoRuntimes, twoRuntimes } from "#test/support/two-runtimes.ts";

const cleanup: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each[Symbol.asyncDispose]();
});
function kept<T extends AsyncDisposable>(resource: T): T {
  cleanup.push(resource);
  return resource;
}
async function httpCart(
  callee: Partial<NodeAppOptions> = {},
  caller: Partial<NodeAppOptions> = {},
): Promise<{ readonly app: RawApp; readonly runtimes: TwoRuntimes }> {
  const app = kept(await rawApp(() => answerText([])));
  return { app, runtimes: kept(await twoRuntimes({ appPort: app.port, ...callee }, caller)) };
}
async function grpcCart(onCall?: (call: GrpcCall) => void): Promise<{
  readonly app: GrpcApp;
  readonly runtimes: TwoRuntimes;
}> {
  const app = kept(await grpcApp(onCall));
  const runtimes = kept(await twoRuntimes({ appPort: app.port, appProtocol: "grpc" }));
  return { app, runtimes };
}
const ends = ["callee", "caller"] as const;

describe("a query string over gRPC", () => {
  it.each(ends)("may hold what a URL cannot, by the %s", async (end) => {
    const { app, runtimes } = await httpCart();
    using client = wireClient(runtimes[end].grpcPort);
    for (const [querystring, wanted] of [
      ["a=b c&d=%20", "a=b%20c&d=%20"],
      ["q=日本", "q=%E6%97%A5%E6%9C%AC"],
      ["q=é#x", "q=%C3%A9%23x"],
      ["q=\ud800", "q=%EF%BF%BD"],
      ["", ""],
    ] as const) {
      const { code } = await client.unary("InvokeService", {
        id: "cart",
        message: { method: "m", httpExtension: { verb: 1, querystring } },
      });
      expect(code).toBe(status.OK);
      expect(app.seen.at(-1)?.start).toBe(`GET /m${wanted && `?${wanted}`} HTTP/1.1`);
    }
  });
  it.each(ends)("with a control character is refused, by the %s", async (end) => {
    const { app, runtimes } = await httpCart();
    using client = wireClient(runtimes[end].grpcPort);
    for (const querystring of ["a=\r\nX: 1", "a\0", "a\u007f"]) {
      const { code, message } = await client.unary("InvokeService", {
        id: "cart",
        message: { method: "m", httpExtension: { verb: 1, querystring } },
      });
      expect(code).toBe(status.INTERNAL);
      expect(message).toContain("invalid control character in URL");
    }
    expect(app.seen).toEqual([]);
  });
});

describe("InvokeService without an HTTP extension", () => {
  it.each(ends)("reaches an app that speaks gRPC, by the %s", async (end) => {
    const { app, runtimes } = await grpcCart(({ stream }) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const asked = fromBinary(InvokeRequestSchema, Buffer.concat(chunks).subarray(5));
        const verb = asked.httpExtension?.verb ?? -1;
        const answer = create(InvokeResponseSchema, {
          contentType: `${asked.method} ${verb}`,
          data: { typeUrl: `of ${asked.data?.typeUrl}` },
        });
        stream.respond(
          { ":status": 200, "content-type": "application/grpc" },
          { waitForTrailers: true },
        );
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(frame(toBinary(InvokeResponseSchema, answer)));
      });
    });
    using client = wireClient(runtimes[end].grpcPort);
    const { code, response } = await client.unary("InvokeService", {
      id: "cart",
      message: { method: "m", data: { typeUrl: "type.example/été" } },
    });
    expect(code).toBe(status.OK);
    expect(response.contentType).toBe("m 0");
    expect(response.data.typeUrl).toBe("of type.example/été");
    const names = Object.keys(app.calls.at(-1)?.headers ?? {});
    expect(names.filter((name) => name.startsWith("outrigger-"))).toEqual([]);
  });
  it.each(ends)("is refused for one that speaks HTTP, by the %s", async (end) => {
    const { app, runtimes } = await httpCart();
    using client = wireClient(runtimes[end].grpcPort);
    const { code, message } = await client.unary("InvokeService", {
      id: "cart",
      message: { method: "m" },
    });
    expect(code).toBe(status.INTERNAL);
    expect(message).toContain("missing HTTP extension field");
    expect(app.seen).toEqual([]);
  });
});

describe("namespaces of runtimes that find each other by app id", () => {
  it("need not be the same", async () => {
    const { app, runtimes } = await httpCart({ namespace: "there" }, { namespace: "here" });
    const got = await rawCall(runtimes.caller.httpPort, "/v1.0/invoke/cart/method/m");
    expect(got.start).toContain("200");
    const seen = app.seen.at(-1);
    expect(seen && valuesOf(seen, "dapr-caller-namespace")).toEqual(["here"]);
    using client = wireClient(runtimes.caller.grpcPort);
    const { code } = await client.unary("InvokeService", {
      id: "cart",
      message: { method: "m", httpExtension: { verb: 1 } },
    });
    expect(code).toBe(status.OK);
  });
});

describe("a body of a gRPC type over HTTP", () => {
  it.each(ends)("reaches an app that speaks HTTP, by the %s", async (end) => {
    const { app, runtimes } = await httpCart();
    const got = await rawCall(runtimes[end].httpPort, "/v1.0/invoke/cart/method/m", {
      method: "POST",
      headers: ["Content-Type: application/grpc-web+proto"],
      body: "hello",
    });
    expect(got.start).toContain("200");
    expect(app.seen.at(-1)?.body.toString()).toBe("hello");
    const names = app.seen.at(-1)?.headers.filter((name) => /outrigger/i.test(name));
    expect(names).toEqual([]);
  });
});

interface Refused {
  readonly headers: Readonly<Record<string, unknown>>;
}
/** A call to a service of an app's own, by the proxy. */
function proxied(port: number, appId: string): Promise<Refused> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`).on("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": "/my.Service/Call",
      "content-type": "application/grpc",
      te: "trailers",
      "dapr-app-id": appId,
    });
    let headers = {};
    stream.on("response", (got) => (headers = { ...headers, ...got }));
    stream.on("trailers", (got) => (headers = { ...headers, ...got }));
    stream.on("error", () => {});
    stream.once("close", () => {
      session.destroy();
      resolve({ headers });
    });
    stream.resume();
    stream.end(frame(Buffer.from("one")));
  });
}
const denying = JSON.stringify({
  apiVersion: "dapr.io/v1alpha1",
  kind: "Configuration",
  metadata: { name: "closed" },
  spec: { accessControl: { defaultAction: "deny", trustDomain: "public" } },
});

describe("a proxied call that is refused", () => {
  it("says why: the app denies access", async () => {
    const path = temporaryFile("closed.yaml");
    writeFileSync(path, denying);
    const app = kept(await grpcApp());
    const runtimes = kept(
      await twoRuntimes({ appPort: app.port, appProtocol: "grpc", configPaths: [path] }),
    );
    const { headers } = await proxied(runtimes.caller.grpcPort, "cart");
    expect(headers["grpc-status"]).toBe("7");
    expect(headers["grpc-message"]).toContain("access control policy has denied access");
  });
  it("says why: the app speaks HTTP", async () => {
    const { runtimes } = await httpCart();
    const { headers } = await proxied(runtimes.caller.grpcPort, "cart");
    expect(headers["grpc-message"]).toContain("the app has no gRPC channel");
  });
  it("says why: nobody hosts the app there", async () => {
    const { runtimes } = await httpCart({ appId: "other" });
    const { headers } = await proxied(runtimes.caller.grpcPort, "cart");
    expect(headers["grpc-status"]).toBe("2");
    expect(headers["grpc-message"]).toContain("no host found with the given ID");
    expect(Object.keys(headers)).not.toContain("outrigger-refusal");
  });
});
