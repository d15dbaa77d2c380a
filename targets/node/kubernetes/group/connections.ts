import type { Socket } from "node:net";
import { plainAddress } from "../../plain-address.ts";
import type { Port } from "../messages.ts";

/** Connections that the supervisor has accepted, and whose they are as far as their address tells. */
export interface Connections {
  take(port: Port, socket: Socket, head: Buffer | undefined): void;
  /** Ends those that came from there so far: their pod is gone, and nothing else would tell. */
  end(addresses: readonly string[]): void;
  /** Resolves when none is left. */
  idle(): Promise<void>;
}

/** One pod must not use up what connections a process can have. */
const mostOfOne = 5000;

export function createConnections(
  ports: Readonly<Record<Port, ((socket: Socket) => void) | undefined>>,
): Connections {
  const byAddress = new Map<string, Set<Socket>>();
  let count = 0;
  let emptied = Promise.withResolvers<void>();
  return {
    take: (port, socket, head) => {
      const accept = ports[port];
      if (!accept) return void socket.destroy();
      const address = plainAddress(socket.remoteAddress);
      // It was gone before it came.
      if (address === undefined) return void socket.destroy();
      const those = byAddress.get(address) ?? new Set<Socket>();
      if (those.size >= mostOfOne) return void socket.destroy();
      byAddress.set(address, those.add(socket));
      count++;
      socket.once("close", () => {
        those.delete(socket);
        if (those.size === 0 && byAddress.get(address) === those) byAddress.delete(address);
        if (--count === 0) emptied.resolve();
      });
      // "close" follows, and tells.
      socket.on("error", () => {});
      socket.setNoDelay(true);
      if (head) socket.unshift(head);
      accept(socket);
    },
    end: (addresses) => {
      for (const address of addresses)
        for (const socket of byAddress.get(address) ?? []) socket.destroy();
    },
    idle: async () => {
      while (count > 0) {
        emptied = Promise.withResolvers();
        await emptied.promise;
      }
    },
  };
}
