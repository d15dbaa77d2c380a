import { connect, type Socket } from "node:net";
import { appOfServerName } from "#targets/node/peers/server-name.ts";
import { withPort } from "../address.ts";
import { startReading } from "./peek.ts";
import type { AppNodes } from "./app-nodes.ts";

const connectMs = 5000;
/** HTTP/2 pings say that a connection is used; one that says nothing for so long is forgotten. */
const idleMs = 10 * 60_000;

/**
 * Joins a connection to the runtime that hosts the app which its TLS client wants. Nothing is read on the way: both
 * ends prove themselves to each other. Ends the connection where there is no such app.
 */
export async function passOn(
  socket: Socket,
  { name, head }: { readonly name: string; readonly head: Buffer },
  nodes: Pick<AppNodes, "find">,
  port: number,
): Promise<void> {
  const app = appOfServerName(name);
  const hosts = app ? await nodes.find(app).catch(() => []) : [];
  const host = hosts[Math.floor(Math.random() * hosts.length)];
  if (host === undefined || socket.destroyed) return void socket.destroy();
  const address = withPort(host, port);
  const colon = address.lastIndexOf(":");
  const upstream = connect({
    host: address.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(colon + 1)),
    noDelay: true,
  });
  const end = (): void => {
    socket.destroy();
    upstream.destroy();
  };
  const late = setTimeout(end, connectMs).unref();
  for (const each of [socket, upstream]) {
    each.on("error", end);
    each.once("close", end);
    each.setTimeout(idleMs, end);
  }
  upstream.once("connect", () => {
    clearTimeout(late);
    upstream.write(head);
    socket.pipe(upstream);
    upstream.pipe(socket);
    startReading(socket);
  });
}
