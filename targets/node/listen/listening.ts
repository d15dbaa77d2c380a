import type { ListenOptions, Server } from "node:net";
import type { Log } from "#core/ports/platform.ts";
import { guardSocket } from "./unix-socket.ts";

/**
 * A port to listen on: a number is that port and no other (0: any); `prefer` is taken where it is free (0: any), and
 * any other that is not among those to avoid where it is not.
 */
export type PortChoice = number | PortPreference;
export interface PortPreference {
  readonly prefer: number;
  readonly avoid: ReadonlySet<number>;
}
export interface ListenChoice {
  readonly port: PortChoice;
  /** Empty means all addresses. */
  readonly addresses: readonly string[];
  /** A Unix socket instead of ports, at a path that is free. */
  readonly socketPath?: string | undefined;
  readonly log: Log;
  /** A server that does not listen yet, one for each address. */
  open(): Server;
}
export interface Listening {
  readonly servers: readonly Server[];
  /** 0 for a Unix socket. */
  readonly port: number;
}

/** Listens on one address; resolves with the port (0 of a Unix socket), rejects with why it cannot. */
export function listening(server: Server, where: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(address !== null && typeof address === "object" ? address.port : 0);
    });
  });
}
/** `host` as `listen` takes it: empty or absent means all addresses. */
export function at(host: string | undefined): { readonly host?: string } {
  return host === undefined || host === "" ? {} : { host };
}

/** An error code of `listen` for an address that this machine does not have: Kubernetes configures `[::1]` also where there is no IPv6. */
const absent: ReadonlySet<unknown> = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT"]);
/** Another process may take a free port on the second address before this one does. */
const tries = 10;

/** Listens on every address, on the same port. Dapr: an address that is absent is left out, as long as one is there. Rejects when the port is taken. */
export async function listenOnAll(choice: ListenChoice): Promise<Listening> {
  const { socketPath, port, open } = choice;
  if (socketPath !== undefined) {
    const server = open();
    await listening(server, { path: socketPath });
    await guardSocket(socketPath);
    return { servers: [server], port: 0 };
  }
  if (typeof port === "number") return listenOnPort(choice, port);
  let next = port.prefer;
  for (let attempt = 1; ; attempt++) {
    try {
      const found = await listenOnPort(choice, next);
      if (next !== 0 || !port.avoid.has(found.port)) return found;
      for (const server of found.servers) server.close();
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === tries)
        throw reason;
    }
    next = 0;
  }
}

async function listenOnPort(
  { addresses, log, open }: ListenChoice,
  wanted: number,
): Promise<Listening> {
  const servers: Server[] = [];
  let port = wanted;
  let missing: unknown;
  try {
    for (const host of addresses.length > 0 ? addresses : [undefined]) {
      const server = open();
      try {
        port = await listening(server, { port, ...at(host) });
        servers.push(server);
      } catch (reason) {
        if (!absent.has((reason as NodeJS.ErrnoException).code)) throw reason;
        missing = reason;
        log.warn(`Not listening on ${host}, which this machine does not have`);
      }
    }
    if (servers.length === 0) throw missing;
    return { servers, port };
  } catch (reason) {
    for (const server of servers) server.close();
    throw reason;
  }
}
