import type { Socket } from "node:net";
import { plainAddress } from "#targets/node/listen/plain-address.ts";
import type { Port } from "../messages.ts";

/** Connections that the supervisor has accepted, and whose they are as far as their address tells. */
export interface Connections {
  take(port: Port, socket: Socket, head: Buffer | undefined): void;
  /** A call of that pod came this way: the connection is that pod's. */
  claim(pod: string, address: string, port: number): void;
  /**
   * Ends those of a pod that is gone: nothing else would tell. From an address that is another's by now only those
   * that were its own go.
   */
  end(pod: string, addresses: readonly string[], isTaken: (address: string) => boolean): void;
  /** Resolves when none is left. */
  idle(): Promise<void>;
}

interface Taken {
  readonly socket: Socket;
  /** The last that called on it. */
  pod: string | undefined;
}

/** One pod must not use up what connections a process can have. */
const mostOfOne = 5000;

export function createConnections(
  ports: Readonly<Record<Port, ((socket: Socket) => void) | undefined>>,
): Connections {
  const byAddress = new Map<string, Set<Taken>>();
  /** Two may have one source: to different ports of ours. */
  const bySource = new Map<string, readonly Taken[]>();
  let count = 0;
  let emptied = Promise.withResolvers<void>();
  return {
    take: (port, socket, head) => {
      const accept = ports[port];
      if (!accept) return void socket.destroy();
      const address = plainAddress(socket.remoteAddress);
      const from = socket.remotePort;
      // It was gone before it came.
      if (address === undefined || from === undefined) return void socket.destroy();
      const those = byAddress.get(address) ?? new Set<Taken>();
      if (those.size >= mostOfOne) return void socket.destroy();
      const taken: Taken = { socket, pod: undefined };
      byAddress.set(address, those.add(taken));
      const key = `${address} ${from}`;
      bySource.set(key, [...(bySource.get(key) ?? []), taken]);
      count++;
      socket.once("close", () => {
        those.delete(taken);
        const left = (bySource.get(key) ?? []).filter((each) => each !== taken);
        if (left.length > 0) bySource.set(key, left);
        else bySource.delete(key);
        if (those.size === 0 && byAddress.get(address) === those) byAddress.delete(address);
        if (--count === 0) emptied.resolve();
      });
      // "close" follows, and tells.
      socket.on("error", () => {});
      socket.setNoDelay(true);
      if (head) socket.unshift(head);
      accept(socket);
    },
    claim: (pod, address, port) => {
      for (const taken of bySource.get(`${address} ${port}`) ?? []) taken.pod = pod;
    },
    end: (pod, addresses, isTaken) => {
      for (const address of addresses)
        for (const taken of byAddress.get(address) ?? [])
          if (taken.pod === pod || (taken.pod === undefined && !isTaken(address)))
            taken.socket.destroy();
    },
    idle: async () => {
      while (count > 0) {
        emptied = Promise.withResolvers();
        await emptied.promise;
      }
    },
  };
}
