import { type AddressInfo, createServer } from "node:net";

/** What a client sends first: `start` makes it connect to the port. */
export async function firstBytes(start: (port: number) => void, most = 10_000): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("nothing came")), most);
      server.once("connection", (socket) => {
        socket.on("error", () => {});
        socket.once("data", (bytes) => {
          clearTimeout(timer);
          socket.destroy();
          resolve(bytes);
        });
      });
      start((server.address() as AddressInfo).port);
    });
  } finally {
    server.close();
  }
}

/** The same handshake message in records of so many bytes. */
export function inRecords(hello: Uint8Array, size: number): Buffer {
  const message = hello.subarray(5);
  const out: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    out.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), Buffer.from(part));
  }
  return Buffer.concat(out);
}

export interface HelloParts {
  /** Each of type and content. */
  readonly extensions?: ReadonlyArray<readonly [number, Uint8Array]>;
  readonly sessionId?: Uint8Array;
  /** After the extensions. */
  readonly rest?: Uint8Array;
  readonly messageType?: number;
}
/** A ClientHello made by hand, in one record. */
export function clientHello({
  extensions = [],
  sessionId = Buffer.alloc(32, 7),
  rest = Buffer.alloc(0),
  messageType = 1,
}: HelloParts): Buffer {
  const all = Buffer.concat(
    extensions.map(([type, content]) => Buffer.concat([word(type), sized(2, content)])),
  );
  const body = Buffer.concat([
    word(0x0303),
    Buffer.alloc(32, 9),
    sized(1, sessionId),
    sized(2, Buffer.from([0x13, 0x01, 0x13, 0x02])),
    sized(1, Buffer.from([0])),
    sized(2, all),
    rest,
  ]);
  const message = Buffer.concat([Buffer.from([messageType]), sized(3, body)]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(2, message)]);
}
/** Content of the extension `server_name`. */
export function serverNames(...names: ReadonlyArray<string | Uint8Array>): Buffer {
  const entries = names.map((name) =>
    Buffer.concat([
      Buffer.from([0]),
      sized(2, typeof name === "string" ? Buffer.from(name) : name),
    ]),
  );
  return sized(2, Buffer.concat(entries));
}
function word(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
function sized(bytes: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(bytes);
  head.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([head, content]);
}
