import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect, type Socket } from "node:net";
import { eventually } from "./eventually.ts";
import { hostIp } from "./node-cluster.ts";

/** A connection from an address of this machine, byte by byte. */
export interface Raw {
  readonly socket: Socket;
  /** All that has come so far. */
  readonly text: () => string;
  readonly isClosed: () => boolean;
  write(bytes: string): void;
  /** Statuses of the HTTP/1 answers so far, once there are so many. */
  statuses(count: number, withinMs?: number): Promise<readonly number[]>;
  /** Resolves when it is closed. */
  closed(withinMs: number): Promise<void>;
}

export async function rawFrom(address: string, port: number, host: string = hostIp): Promise<Raw> {
  const socket = connect({ host, port, localAddress: address });
  let text = "";
  let isClosed = false;
  socket.setEncoding("latin1");
  socket.on("data", (bytes: string) => (text += bytes));
  socket.on("error", () => {});
  socket.once("close", () => (isClosed = true));
  await once(socket, "connect");
  return {
    socket,
    text: () => text,
    isClosed: () => isClosed,
    write: (bytes) => void (socket.destroyed || socket.write(bytes, "latin1")),
    statuses: (count, withinMs = 5000) =>
      eventually(
        () => {
          const all = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
            Number(status),
          );
          return all.length >= count && all;
        },
        { withinMs, what: `${count} answers` },
      ),
    closed: async (withinMs) => {
      await eventually(() => isClosed, { withinMs, what: "the end of the connection" });
    },
  };
}
/** The text of a request without a body. */
export function getText(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nHost: node\r\n${lines.join("")}\r\n`;
}

/** An HTTP/2 connection without TLS from an address of this machine. */
export function http2From(address: string, port: number): ClientHttp2Session {
  const session = connectHttp2(`http://${hostIp}:${port}`, {
    createConnection: () => connect({ host: hostIp, port, localAddress: address }),
  });
  session.on("error", () => {});
  return session;
}
export interface Http2Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
export function http2Get(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string | string[]>> = {},
): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ...headers });
    let answered: IncomingHttpHeaders = {};
    let body = "";
    stream.setEncoding("utf8");
    stream.on("response", (given) => (answered = given));
    stream.on("data", (text: string) => (body += text));
    stream.once("error", reject);
    stream.once("close", () => resolve({ headers: answered, body }));
    stream.end();
  });
}
