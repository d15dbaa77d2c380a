import fc from "fast-check";
import {
  createHeadReader,
  mostHeadBytes,
  readHead,
} from "#targets/kubernetes/supervisor/http-head.ts";
import { createHttp2Frames, readHttp2Head } from "#targets/kubernetes/supervisor/http2-head.ts";
import { bytes, promise, target, type FuzzTarget } from "../target.ts";

const jwt = `e30.${Buffer.from('{"kubernetes.io":{"pod":{"uid":"u-1"}}}').toString("base64url")}.x`;
const heads = [
  "GET / HTTP/1.1\r\nHost: x\r\ndapr-api-token: s3cret\r\n\r\n",
  `POST /v1.0/state/s HTTP/1.1\r\nDapr-Api-Token:\t${jwt} \r\nContent-Length: 2\r\n\r\n[]`,
  "\r\n\r\nGET / HTTP/1.1\ndapr-api-token:a\n\n",
  "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\ndapr-api-token: later\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  `GET / HTTP/1.1\r\ndapr-api-token:${" ".repeat(5000)}x`,
  `GET / HTTP/1.1\r\n${"a\n".repeat(5000)}`,
  `GET /${"a".repeat(mostHeadBytes)} HTTP/1.1\r\ndapr-api-token: far\r\n\r\n`,
];
const frames = (hex: string): string =>
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${Buffer.from(hex, "hex").toString("latin1")}`;
/** SETTINGS, their acknowledgement, and HEADERS with a token: whole, of several frames, and with a body before. */
const http2 = [
  frames(
    "000000040000000000000000040100000000000018010400000001838684010178000e646170722d6170692d746f6b656e0174",
  ),
  frames(
    "000000040000000000000006010000000001838684010178000000040100000000000012090400000001000e646170722d6170692d746f6b656e0174",
  ),
  frames("000000040000000000000004000000000001aabbccdd000000040100000000"),
  frames("00000804000000000000030000006400000000040100000000"),
];
/** What a head of a few kilobytes may take, byte by byte, on a machine that does other things as well. */
const mostMs = 500;

export const headTargets: readonly FuzzTarget[] = [
  target({
    name: "http-heads",
    inputs: fc.tuple(bytes(...heads), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })),
    run: ([input, sizes]) => {
      const found = readHead(input);
      if (found.kind === "token") promise(/^[0-9a-f]{64}$/.test(found.hash), "a hash");
      promise(found.kind !== "more" || input.length < mostHeadBytes, "an end to reading on");
      // However it comes, it says the same, and is there as it came.
      const reader = createHeadReader();
      const began = performance.now();
      let last: unknown = { kind: "more" };
      for (let at = 0, i = 0; at < input.length; i++) {
        const next = at + (sizes[i % sizes.length] as number);
        last = reader.push(input.subarray(at, next));
        at = next;
      }
      promise(JSON.stringify(last) === JSON.stringify(found), "the same in pieces");
      promise(reader.bytes.equals(input), "every byte");
      promise(performance.now() - began < mostMs, "an answer in time");
    },
  }),
  target({
    name: "http2-frames",
    inputs: fc.tuple(bytes(...http2), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })),
    run: async ([input, sizes]) => {
      const whole = createHttp2Frames();
      whole.push(input);
      promise(
        whole.bytes.length === input.length || whole.hasAck,
        "every byte but the acknowledgement",
      );
      const frames = createHttp2Frames();
      for (let at = 0, i = 0; at < input.length; i++) {
        const next = at + (sizes[i % sizes.length] as number);
        frames.push(input.subarray(at, next));
        at = next;
      }
      promise(frames.bytes.equals(whole.bytes), "the same in pieces");
      promise(frames.isComplete === whole.isComplete, "an end of the same kind");
      if (!whole.isComplete) return;
      const { kind } = await readHttp2Head(whole.bytes);
      promise(kind === "token" || kind === "none", "an answer");
    },
  }),
];
