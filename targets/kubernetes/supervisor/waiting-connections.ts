import type { Socket } from "node:net";
import type { WaitMetrics } from "../wait-metrics.ts";
import type { Port } from "../messages.ts";

export interface WaitingConnection {
  readonly port: Port;
  readonly socket: Socket;
  readonly head: Buffer | undefined;
}
/** Connections whose process is not there yet. */
export interface WaitingConnections {
  keep(connection: WaitingConnection): void;
  release(to: (connection: WaitingConnection) => void): void;
  destroy(): void;
}
const heldMs = 10_000;
const mostHeld = 1000;

export function createWaitingConnections(
  waitMetrics: Pick<WaitMetrics, "begin">,
): WaitingConnections {
  const held = new Map<WaitingConnection, () => void>();
  function take(): readonly WaitingConnection[] {
    const all = [...held];
    for (const [, forget] of all) forget();
    return all.map(([connection]) => connection);
  }
  return {
    keep: (connection) => {
      const { socket } = connection;
      if (held.size >= mostHeld) return void socket.destroy();
      const timer = setTimeout(() => socket.destroy(), heldMs).unref();
      const end = waitMetrics.begin("group");
      const forget = (): void => {
        end();
        clearTimeout(timer);
        socket.off("close", forget);
        held.delete(connection);
      };
      socket.once("close", forget);
      held.set(connection, forget);
    },
    release: (to) => {
      for (const connection of take()) to(connection);
    },
    destroy: () => {
      for (const { socket } of take()) socket.destroy();
    },
  };
}
