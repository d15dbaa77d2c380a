import { connect as connect2 } from "node:http2";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { http2Frame as frame, http2Preface as preface } from "#test/support/http2-frame.ts";
import { freePort } from "#test/support/free-port.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const settings = frame(4, 0, 0);
/** `:method GET`, `:scheme http`, `:path /`, `:authority a` by HPACK's static table and literals. */
const request = Buffer.from([0x82, 0x86, 0x84, 0x41, 0x01, 0x61]);
const start = Buffer.concat([preface, settings]);
const many = (count: number, make: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => make(i)));
const headers = (stream: number, flags = 5, block: Buffer = request): Buffer =>
  frame(1, flags, stream, block);

const floods: Readonly<Record<string, Buffer>> = {
  "rapid resets": many(20_000, (i) =>
    Buffer.concat([headers(2 * i + 1), frame(3, 0, 2 * i + 1, Buffer.from([0, 0, 0, 8]))]),
  ),
  "streams beyond what is allowed": many(5000, (i) => headers(2 * i + 1, 4)),
  "CONTINUATION without end": Buffer.concat([
    headers(1, 1),
    many(5000, () =>
      frame(
        9,
        0,
        1,
        Buffer.concat([Buffer.from([0x40, 0x01, 0x78, 0x7f, 0x81, 0x7e]), Buffer.alloc(255, 97)]),
      ),
    ),
  ]),
  "empty CONTINUATIONs": Buffer.concat([headers(1, 1), many(50_000, () => frame(9, 0, 1))]),
  PINGs: many(100_000, () => frame(6, 0, 0, Buffer.alloc(8))),
  SETTINGS: many(50_000, () => settings),
  "WINDOW_UPDATEs of nothing": many(10, () => frame(8, 0, 0, Buffer.alloc(4))),
  "a window beyond its limit": many(3, () => frame(8, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))),
  PRIORITY: many(50_000, (i) => frame(2, 0, 2 * i + 1, Buffer.from([0, 0, 0, 0, 1]))),
  "DATA on an idle stream": frame(0, 1, 7, Buffer.from("x")),
  "HEADERS on stream 0": headers(0),
  "an even stream": headers(2),
  "streams in the wrong order": Buffer.concat([headers(5), headers(3)]),
  "a frame beyond the limit": frame(0, 0, 1, Buffer.alloc(100_000)),
  "a header block that is none": headers(1, 5, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
  "an upper-case name": headers(
    1,
    5,
    Buffer.concat([request, Buffer.from([0x40, 1, 0x58, 1, 0x61])]),
  ),
  "a connection header": headers(
    1,
    5,
    Buffer.concat([
      request,
      Buffer.from([0x40, 10]),
      Buffer.from("connection"),
      Buffer.from([1, 0x61]),
    ]),
  ),
  "headers without a path": headers(1, 5, Buffer.from([0x82, 0x86])),
  "the same pseudo-header twice": headers(1, 5, Buffer.concat([request, Buffer.from([0x84])])),
  "empty DATA frames": Buffer.concat([headers(1, 4), many(50_000, () => frame(0, 0, 1))]),
  "unknown frames": many(50_000, () => frame(0xee, 0, 0, Buffer.alloc(10))),
  "PUSH_PROMISE from a client": frame(5, 4, 1, Buffer.from([0, 0, 0, 2, 0x82])),
  "an index beyond the table": headers(1, 5, Buffer.from([0xfe])),
  GOAWAYs: many(1000, () => frame(7, 0, 0, Buffer.alloc(8))),
};

let runtime: SidecarProcess;
let internal: number;
beforeAll(async () => {
  internal = await freePort();
  runtime = await sidecar({
    args: [
      "--app-id",
      "hostile",
      "--log-level",
      "error",
      "--dapr-internal-grpc-port",
      String(internal),
    ],
  });
  await runtime.healthy();
}, 60_000);
afterAll(async () => {
  await runtime.stop();
});

/** Sends it all, then waits for the end of the connection, or for quiet. */
function flood(
  port: number,
  bytes: Buffer,
): Promise<{ readonly received: number; readonly closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let received = 0;
    let timer = setTimeout(done, 8000, false);
    function done(closed: boolean): void {
      clearTimeout(timer);
      socket.destroy();
      resolve({ received, closed });
    }
    socket.on("error", () => {});
    socket.on("close", () => done(true));
    socket.on("data", (data: Buffer) => {
      received += data.length;
      clearTimeout(timer);
      timer = setTimeout(done, 500, false);
    });
    socket.once("connect", () => socket.write(Buffer.concat([start, bytes])));
  });
}
/** A client of good will is served in time. */
async function isWell(port: number): Promise<boolean> {
  const session = connect2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    return await new Promise<boolean>((resolve) => {
      const stream = session.request({ ":path": "/v1.0/healthz" });
      stream.setTimeout(5000, () => resolve(false));
      stream.on("error", () => resolve(false));
      stream.on("response", () => resolve(true));
      stream.end();
    });
  } finally {
    session.destroy();
  }
}
const rssMib = async (): Promise<number> => {
  const { readFileSync } = await import("node:fs");
  return (
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${runtime.child.pid}/status`, "utf8"))?.[1]) /
    1024
  );
};

describe.each([
  ["HTTP port", () => runtime.httpPort],
  ["gRPC port", () => runtime.grpcPort],
  ["internal port", () => internal],
])("HTTP/2 on the %s", (_, port) => {
  it.each(Object.keys(floods))("stands %s", async (name) => {
    const { received } = await flood(port(), floods[name] as Buffer);
    // What is answered is bounded: acknowledgements, resets, a farewell.
    expect(received).toBeLessThan(4 * 1024 * 1024);
    expect(await isWell(port())).toBe(true);
    expect(runtime.child.exitCode).toBeNull();
  });
  it("keeps its memory", async () => {
    expect(await rssMib()).toBeLessThan(400);
  });
});
