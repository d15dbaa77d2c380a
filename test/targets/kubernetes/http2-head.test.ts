import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { http2Frame as frame, http2Preface as preface } from "#test/support/http2-frame.ts";
import { createHttp2Frames, readHttp2Head } from "#targets/kubernetes/supervisor/http2-head.ts";

/** A header as HPACK has it without Huffman's code and tables: RFC 7541, 6.2.2. */
const literal = (name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.of(0, name.length),
    Buffer.from(name),
    Buffer.of(value.length),
    Buffer.from(value),
  ]);
const headersOf = (token: string | undefined): Buffer =>
  Buffer.concat([
    // :method POST, :scheme http and :path / of the static table, :authority x.
    Buffer.of(0x83, 0x86, 0x84, 0x01, 1, 0x78),
    ...(token === undefined ? [] : [literal("dapr-api-token", token)]),
  ]);
const settings = frame(4, 0, 0);
const ack = frame(4, 1, 0);
const headers = (token?: string): Buffer => frame(1, 4, 1, headersOf(token));
function framesOf(...pieces: readonly Uint8Array[]) {
  const frames = createHttp2Frames();
  for (const piece of pieces) frames.push(piece);
  return frames;
}

describe("the first frames of a client", () => {
  it("are complete with its headers and its acknowledgement, in whatever order and pieces", () => {
    for (const order of [
      [ack, headers("t")],
      [headers("t"), frame(0, 1, 1, Buffer.from("body")), ack],
    ]) {
      const all = Buffer.concat([preface, settings, ...order]);
      const frames = createHttp2Frames();
      for (const [at, byte] of all.entries()) {
        expect(frames.isComplete).toBe(false);
        frames.push(Buffer.of(byte));
        expect(frames.isGreeting).toBe(at >= preface.length - 1);
      }
      expect([frames.isComplete, frames.hasAck]).toEqual([true, true]);
      expect(frames.bytes).toEqual(
        Buffer.concat([preface, settings, ...order.filter((each) => each !== ack)]),
      );
    }
  });
  it("have lost one acknowledgement, which was for us", () => {
    const { bytes } = framesOf(preface, settings, ack, ack, headers());
    expect(bytes).toEqual(Buffer.concat([preface, settings, ack, headers()]));
  });
  it("go on over CONTINUATION frames", () => {
    const block = headersOf("t");
    const frames = framesOf(preface, settings, ack, frame(1, 0, 1, block.subarray(0, 5)));
    expect(frames.isComplete).toBe(false);
    frames.push(frame(9, 4, 1, block.subarray(5)));
    expect(frames.isComplete).toBe(true);
  });
  it("are looked at no further where they are none, or many", () => {
    expect(framesOf(Buffer.from("PRI or else")).isComplete).toBe(true);
    expect(framesOf(preface, frame(4, 1, 0, Buffer.from("?"))).isComplete).toBe(true);
    const many = framesOf(
      preface,
      settings,
      ...Array.from({ length: 100 }, () => frame(6, 0, 0, Buffer.alloc(8))),
    );
    expect(many.isComplete).toBe(false);
    many.push(Buffer.alloc(100_000));
    expect([many.isComplete, many.hasAck]).toEqual([true, false]);
  });
});

describe("the token of a request over HTTP/2", () => {
  const read = (...pieces: readonly Uint8Array[]) => readHttp2Head(Buffer.concat(pieces));
  it("is in its headers", async () => {
    expect(await read(preface, settings, headers("s3cret"))).toEqual({
      kind: "token",
      hash: hash("sha256", "s3cret", "hex"),
      podUid: undefined,
    });
  });
  it("is nobody's where there is none, or no HTTP/2", async () => {
    const none = { kind: "none" };
    expect(await read(preface, settings, headers())).toEqual(none);
    expect(await read(preface, Buffer.from("GET / HTTP/1.1\r\n\r\n".repeat(10)))).toEqual(none);
    expect(await read(preface, settings, frame(1, 4, 1, Buffer.alloc(50, 0xff)))).toEqual(none);
    expect(await read(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toEqual(none);
  });
  it("is not waited for where no request follows", async () => {
    expect(await read(preface, settings)).toEqual({ kind: "none" });
  });
});
