import { rm } from "node:fs/promises";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import { OutputBinding } from "#core/wire/grpc/gen/dapr/proto/components/v1/bindings_pb.js";
import { PubSub } from "#core/wire/grpc/gen/dapr/proto/components/v1/pubsub_pb.js";
import { ErrorInfoSchema, StatusSchema } from "#core/wire/grpc/gen/google/rpc/status_pb.js";
import { FrameReader } from "#targets/node/pluggable/frame-reader.ts";
import { dial, type Wire } from "#targets/node/pluggable/wire.ts";
import { frame } from "#targets/node/grpc/frames.ts";
import { socketsFolder } from "#test/pluggable/component.ts";
import { eventually } from "#test/support/eventually.ts";

const options = { signal: new AbortController().signal };
const { invoke } = OutputBinding.method;

let folder: string;
let server: Http2Server;
let wire: Wire;
let answer: (stream: ServerHttp2Stream) => void;
beforeEach(async () => {
  folder = socketsFolder();
  server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    answer(stream);
  });
  server.on("sessionError", () => {});
  const socket = join(folder, "x.sock");
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  wire = await dial(socket, "name", options);
});
afterEach(async () => {
  wire.close();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const head = { ":status": 200, "content-type": "application/grpc" };
/** Answers with these bytes and trailers. */
const says =
  (body: Uint8Array, trailers: Record<string, string> = { "grpc-status": "0" }) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(body);
  };
const call = async (): Promise<unknown> =>
  wire.unary(invoke, { operation: "x" }, options).catch((reason: unknown) => reason);
const refused = async (): Promise<ComponentError> => {
  const reason = await call();
  if (!ComponentError.is(reason)) throw new Error(`no ComponentError: ${String(reason)}`);
  return reason;
};

describe("answers that are none", () => {
  test.for<[string, (stream: ServerHttp2Stream) => void, string, string]>([
    ["no message", says(new Uint8Array()), "rejected", "gave no answer"],
    ["no status", says(frame(new Uint8Array()), {}), "rejected", "without a status"],
    ["a message that is none", says(frame(Uint8Array.of(0xff))), "rejected", "cannot be read"],
    [
      "a compressed message",
      says(Uint8Array.of(1, 0, 0, 0, 0)),
      "rejected",
      "received a compressed message",
    ],
    [
      "a length past the limit",
      says(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff)),
      "rejected",
      "(4294967295 vs. 4194304)",
    ],
    [
      "another HTTP status",
      (stream) => stream.respond({ ":status": 503 }, { endStream: true }),
      "rejected",
      "HTTP status 503",
    ],
    [
      "not found",
      (stream) => stream.respond({ ":status": 404 }, { endStream: true }),
      "unsupported",
      "HTTP status 404",
    ],
    ["a reset", (stream) => stream.close(2), "rejected", "without a status"],
    ["a refusal", (stream) => stream.close(7), "unavailable", "is gone"],
    ["a cancellation", (stream) => stream.close(8), "unavailable", "was cancelled"],
    ["a lost connection", (stream) => stream.session?.destroy(), "unavailable", "is gone"],
  ])("%s", async ([, given, kind, text]) => {
    answer = given;
    const reason = await refused();
    expect(reason.kind).toBe(kind);
    expect(reason.message).toContain(text);
  });
});

describe("statuses", () => {
  const status = (trailers: Record<string, string>) => {
    answer = (stream) => stream.respond({ ...head, ...trailers }, { endStream: true });
    return refused();
  };
  test("without a message, in the first headers, with odd texts and unknown codes", async () => {
    expect((await status({ "grpc-status": "14" })).kind).toBe("unavailable");
    expect((await status({ "grpc-status": "4" })).kind).toBe("timeout");
    const odd = await status({ "grpc-status": "13", "grpc-message": "100%zz %C3%BC" });
    expect(odd.message).toBe("rpc error: code = Internal desc = 100%zz %C3%BC");
    const decoded = await status({ "grpc-status": "13", "grpc-message": "%C3%BC %25" });
    expect(decoded.message).toBe("rpc error: code = Internal desc = ü %");
    expect((await status({ "grpc-status": "99" })).message).toContain("Code(99)");
    expect((await status({ "grpc-status": "x" })).message).toContain("Unknown");
  });
  test("with details that cannot be read", async () => {
    const details = { "grpc-status-details-bin": Buffer.from([0xff, 0xff]).toString("base64") };
    const reason = await status({ "grpc-status": "9", "grpc-message": "m", ...details });
    expect(reason).toMatchObject({
      kind: "rejected",
      // What `matching` of a policy compares.
      status: 9,
      message: "rpc error: code = FailedPrecondition desc = m",
    });
  });
});

describe("what the caller is to be told", () => {
  const says = async (...details: ReadonlyArray<Record<string, string>>): Promise<unknown> => {
    const infos = details.map((metadata) =>
      anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "R", domain: "d", metadata })),
    );
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code: 15, details: infos }));
    answer = (stream) =>
      stream.respond(
        {
          ...head,
          "grpc-status": "15",
          "grpc-message": "gone",
          "grpc-status-details-bin": Buffer.from(bytes).toString("base64"),
        },
        { endStream: true },
      );
    return (await refused()).answer;
  };
  test("is one marked ErrorInfo with a status of HTTP", async () => {
    const marked = { kit_error: "true", http_code: "506", tag: "T" };
    expect(await says(marked)).toEqual({
      http: 506,
      grpc: 15,
      message: "gone",
      tag: "T",
      reason: "R",
      domain: "d",
    });
    expect(await says({ kit_error: "true", http_code: "506" })).toMatchObject({ tag: "" });
  });
  test("is nothing where it is not marked, ambiguous, or not a status", async () => {
    expect(await says({ http_code: "506", tag: "T" })).toBeUndefined();
    const marked = { kit_error: "true", http_code: "506", tag: "T" };
    expect(await says(marked, marked)).toBeUndefined();
    for (const http_code of ["", "0", "99", "1000", "50x", "-1"])
      expect(await says({ kit_error: "true", http_code })).toBeUndefined();
  });
});

describe("the connection", () => {
  test("takes no new call after a GOAWAY, and lets the others end", async () => {
    const streams: ServerHttp2Stream[] = [];
    answer = (stream) => void streams.push(stream);
    const first = call();
    await eventually(() => streams.length === 1);
    streams[0]?.session?.goaway();
    await eventually(() => wire.gone.aborted);
    expect((await refused()).kind).toBe("unavailable");
    says(frame(new Uint8Array()))(streams[0] as ServerHttp2Stream);
    expect(await first).toMatchObject({ contentType: "" });
  });
  test("says who calls, in what a header can hold", async () => {
    const names: unknown[] = [];
    server.on("stream", (_, headers) => names.push(headers["x-component-instance"]));
    answer = says(frame(new Uint8Array()));
    await call();
    const odd = await dial(join(folder, "x.sock"), "ü\n", options);
    await odd.unary(invoke, {}, options);
    odd.close();
    expect(names).toEqual(["name", "??"]);
  });
  test("is given up when the signal fires before anybody has answered", async () => {
    await expect(
      dial(join(folder, "x.sock"), "name", { signal: AbortSignal.abort(new Error("no")) }),
    ).rejects.toThrow("no");
    await expect(dial(join(folder, "none.sock"), "name", options)).rejects.toThrow(
      "no component answers",
    );
  });
});

test("a stream hands over no more than it is asked for, whatever the pieces", async () => {
  const { pullMessages } = PubSub.method;
  const count = 500;
  answer = (stream) => {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.resume();
    // The id of message i is its number: field 5, as text.
    const messages = Array.from({ length: count }, (_, i) => {
      const id = Buffer.from(String(i));
      return frame(Buffer.concat([Buffer.from([0x2a, id.length]), id]));
    });
    stream.end(Buffer.concat(messages));
  };
  const stream = wire.stream(pullMessages);
  const seen: string[] = [];
  let running = 0;
  let most = 0;
  stream.read(async ({ id }) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(id);
    running--;
  }, 3);
  await stream.ended;
  await eventually(() => seen.length === count);
  expect(most).toBe(3);
  expect(seen).toEqual(Array.from({ length: count }, (_, i) => String(i)));
});

test("messages are put together from any pieces", () => {
  const messages = ["", "a", "bc".repeat(500), "", "d"];
  const bytes = Buffer.concat(messages.map((text) => frame(Buffer.from(text))));
  for (const size of [1, 2, 3, 5, 7, 64, bytes.length]) {
    const seen: string[] = [];
    const reader = new FrameReader(1000, (message) => seen.push(Buffer.from(message).toString()));
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    expect(seen).toEqual(messages);
  }
  const reader = new FrameReader(999, () => {});
  expect(() => reader.push(bytes)).toThrow("(1000 vs. 999)");
});
