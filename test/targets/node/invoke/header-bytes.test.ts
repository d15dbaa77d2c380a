import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { rpcs } from "#core/wire/grpc/rpcs.ts";
import {
  answerText,
  type RawApp,
  rawApp,
  rawCall,
  type RawMessage,
  valuesOf,
} from "#test/support/raw-http.ts";
import { type InvokeWays, invokeWays, wayNames } from "#test/support/invoke-ways.ts";

/** What other people's programs put into headers: UTF-8, Latin-1, and what is neither. */
const values = {
  "UTF-8": Buffer.from('attachment; filename="日本.pdf"').toString("latin1"),
  "Latin-1": "caf\u00e9",
  "every byte above 127": Buffer.from(Array.from({ length: 128 }, (_, i) => 128 + i)).toString(
    "latin1",
  ),
};
const kinds = {
  "known length": (value: string) => answerText([`X-Bytes: ${value}`], "日本"),
  empty: (value: string) => answerText([`X-Bytes: ${value}`], ""),
  "in chunks": (value: string) =>
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Bytes: ${value}\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "until the end": (value: string) =>
    `HTTP/1.1 200 OK\r\nConnection: close\r\nX-Bytes: ${value}\r\n\r\nok`,
  "with two cookies": (value: string) =>
    answerText([`X-Bytes: ${value}`, "Set-Cookie: a=1", `Set-Cookie: b=${value}`]),
  large: (value: string) => answerText([`X-Bytes: ${value}`], "x".repeat(100_000)),
  "an error": (value: string) => answerText([`X-Bytes: ${value}`], "no", "404 Not Found"),
};
const cases = Object.entries(values).flatMap(([what, value]) =>
  Object.keys(kinds).map((kind) => ({ what, value, kind: kind as keyof typeof kinds })),
);

let app: RawApp;
let ways: InvokeWays;
let answer: (request: RawMessage) => string = () => answerText([]);
beforeAll(async () => {
  app = await rawApp((request, socket) => {
    if (request.start.includes(" /dapr/")) return answerText([]);
    const text = answer(request);
    if (text.includes("Connection: close")) return void socket.end(text, "latin1");
    return text;
  });
  ways = await invokeWays(app);
});
afterAll(async () => {
  await ways?.[Symbol.asyncDispose]();
  await app?.[Symbol.asyncDispose]();
});

describe.each(wayNames)("header bytes above 127, to %s", (name) => {
  it.each(cases)("come back as they were: $what, $kind", async ({ value, kind }) => {
    answer = () => kinds[kind](value);
    const { port, path } = ways.to(name);
    const got = await rawCall(port, path);
    expect(valuesOf(got, "x-bytes")).toEqual([value]);
    if (kind === "with two cookies")
      expect(valuesOf(got, "set-cookie")).toEqual(["a=1", `b=${value}`]);
  });
  it.each(Object.entries(values))("arrive as they were sent: %s", async (_what, value) => {
    answer = () => answerText([]);
    const { port, path } = ways.to(name);
    for (const body of [undefined, "b", "b".repeat(100_000)]) {
      const method = body === undefined ? "GET" : "POST";
      const got = await rawCall(port, path, {
        method,
        headers: [`X-Bytes: ${value}`],
        ...(body === undefined ? {} : { body }),
      });
      expect(got.start).toContain("200");
      expect(valuesOf(app.seen.at(-1) as RawMessage, "x-bytes")).toEqual([value]);
    }
  });
});

interface Rpc {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly message: Buffer;
}
function invokeService(port: number, metadata: Record<string, string>): Promise<Rpc> {
  const rpc = rpcs.get("InvokeService");
  if (!rpc) throw new Error("no rpc");
  const request = create(rpc.input, {
    id: "cart",
    message: { method: "m", httpExtension: { verb: 1 } },
  } as never);
  const bytes = toBinary(rpc.input, request);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`).on("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": rpc.path,
      "content-type": "application/grpc",
      te: "trailers",
      ...metadata,
    });
    let headers = {};
    const chunks: Buffer[] = [];
    stream.on("response", (got) => (headers = { ...headers, ...got }));
    stream.on("trailers", (got) => (headers = { ...headers, ...got }));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("error", reject);
    stream.once("close", () => {
      session.close();
      resolve({ headers, message: Buffer.concat(chunks).subarray(5) });
    });
    stream.end(Buffer.concat([head, bytes]));
  });
}

describe.each(["callee", "caller"] as const)(
  "header bytes above 127 over gRPC, by the %s",
  (end) => {
    it.each(cases)("come back as they were: $what, $kind", async ({ value, kind }) => {
      answer = () => kinds[kind](value);
      const { headers } = await invokeService(ways.runtimes[end].grpcPort, {});
      expect(headers["grpc-status"]).toBe(kind === "an error" ? "5" : "0");
      expect(headers["x-bytes"]).toBe(value);
    });
    it.each(Object.entries(values))("arrive as they were sent: %s", async (_what, value) => {
      answer = () => answerText([]);
      const { headers, message } = await invokeService(ways.runtimes[end].grpcPort, {
        "x-bytes": value,
      });
      expect(headers["grpc-status"]).toBe("0");
      const output = rpcs.get("InvokeService")?.output;
      if (output) expect(fromBinary(output, message)).toBeDefined();
      expect(valuesOf(app.seen.at(-1) as RawMessage, "x-bytes")).toEqual([value]);
    });
  },
);
