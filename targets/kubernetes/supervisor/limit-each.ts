import type { Server } from "node:net";

/** Of all addresses together. */
const mostOfAll = 1000;
const mostOfOne = 16;

/** Lets each address have a few connections at a time: no pod that reaches the node keeps the kubelet out, or Prometheus. */
export function limitEach(server: Server): void {
  const counts = new Map<string, number>();
  server.maxConnections = mostOfAll;
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (counts.get(address) ?? 0) + 1;
    if (count > mostOfOne) return void socket.destroy();
    counts.set(address, count);
    socket.once("close", () => {
      const left = (counts.get(address) ?? 0) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    });
  });
}
