import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** One HTTP/1 message as it stood on the wire, one character a byte. */
export interface RawMessage {
  /** Request line or status line. */
  readonly start: string;
  /** Names and values in turn, as they were spelled. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** True: the body came in chunks. */
  readonly isChunked: boolean;
}

/** All values of a header of a raw message. */
export function valuesOf({ headers }: Pick<RawMessage, "headers">, name: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]?.toLowerCase() === name) out.push(headers[i + 1] as string);
  return out;
}

/** An app that speaks HTTP/1 down to the byte. */
export interface RawApp extends AsyncDisposable {
  readonly port: number;
  /** What it was asked, in order; the questions that a runtime asks at its start left out. */
  readonly seen: readonly RawMessage[];
}
/** Writes the answer itself, in as many pieces as it likes; a text stands for bytes. */
export type RawHandler = (request: RawMessage, socket: Socket) => string | undefined;

/** `early`: what is said, if anything, when the head of a request is there, whose body is not read then. */
export async function rawApp(
  handler: RawHandler,
  early: () => string | undefined = () => undefined,
): Promise<RawApp> {
  const seen: RawMessage[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    const messages = reader(socket, (request) => {
      if (!request.start.includes(" /dapr/")) seen.push(request);
      const answer = handler(request, socket);
      if (answer !== undefined) socket.write(answer, "latin1");
    });
    socket.on("data", (bytes) => {
      const said = early();
      if (said === undefined) messages(bytes);
      else if (bytes.includes("\r\n\r\n")) socket.pause().write(said, "latin1");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    seen,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** An answer with a length, headers as they are to stand there. */
export function answerText(headers: readonly string[], body = "ok", status = "200 OK"): string {
  const lines = [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n${Buffer.from(body).toString("latin1")}`;
}

/** A client's connection, down to the byte. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  send(text: string): void;
  /** The bytes so far. */
  text(): string;
  /** The next whole answer; rejects when the connection ends before it does. */
  answer(): Promise<RawMessage>;
}
export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, "127.0.0.1");
  const messages: RawMessage[] = [];
  let text = "";
  let wake = (): void => {};
  const read = reader(socket, (message) => {
    messages.push(message);
    wake();
  });
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
    read(bytes);
  });
  socket.on("error", () => {}).on("close", () => wake());
  await once(socket, "connect");
  return {
    socket,
    send: (bytes) => void socket.write(bytes, "latin1"),
    text: () => text,
    answer: async () => {
      for (;;) {
        const message = messages.shift();
        if (message) return message;
        if (socket.destroyed) throw new Error(`The connection ended after ${JSON.stringify(text)}`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** One request over a connection of its own. */
export async function rawCall(
  port: number,
  path: string,
  {
    method = "GET",
    headers = [],
    body,
  }: {
    readonly method?: string;
    readonly headers?: readonly string[];
    readonly body?: string;
  } = {},
): Promise<RawMessage> {
  using client = await rawClient(port);
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${method} ${path} HTTP/1.1`, "Host: runtime", ...length, ...headers];
  client.send(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
  return await client.answer();
}

/** Cuts a connection's bytes into messages; interim answers are not messages. */
function reader(socket: Socket, onMessage: (message: RawMessage) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  const closed = { is: false };
  socket.on("end", () => {
    closed.is = true;
    cut();
  });
  function cut(): void {
    for (;;) {
      const end = rest.indexOf("\r\n\r\n");
      if (end === -1) return;
      const [start = "", ...lines] = rest.toString("latin1", 0, end).split("\r\n");
      const after = rest.subarray(end + 4);
      if (/^HTTP\/1\.1 1\d\d/.test(start)) {
        rest = after;
        continue;
      }
      const headers = lines.flatMap((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      const body = bodyOf(start, headers, after, closed.is);
      if (!body) return;
      rest = after.subarray(body.taken);
      onMessage({ start, headers, body: body.bytes, isChunked: body.isChunked });
    }
  }
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    cut();
  };
}

function bodyOf(start: string, headers: readonly string[], after: Buffer, isClosed: boolean) {
  const [length] = valuesOf({ headers }, "content-length");
  if (valuesOf({ headers }, "transfer-encoding").length > 0) return chunksOf(after);
  const isAnswer = start.startsWith("HTTP/");
  const hasNone = isAnswer ? /^HTTP\/1\.1 (?:204|304)/.test(start) : length === undefined;
  if (hasNone) return { bytes: Buffer.alloc(0), taken: 0, isChunked: false };
  if (length === undefined)
    return isClosed ? { bytes: after, taken: after.length, isChunked: false } : undefined;
  const bytes = after.subarray(0, Number(length));
  return bytes.length < Number(length)
    ? undefined
    : { bytes, taken: bytes.length, isChunked: false };
}
function chunksOf(after: Buffer) {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const line = after.indexOf("\r\n", at);
    if (line === -1) return undefined;
    const size = Number.parseInt(after.toString("latin1", at, line), 16);
    const next = line + 2 + size + 2;
    if (after.length < next) return undefined;
    if (size === 0) return { bytes: Buffer.concat(chunks), taken: next, isChunked: true };
    chunks.push(after.subarray(line + 2, line + 2 + size));
    at = next;
  }
}
