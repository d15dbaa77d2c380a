import { createServer, type AddressInfo, type Server } from "node:net";

/** True when nothing listens on the port on any address of this machine. */
export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port).catch(() => undefined);
  await (server && close(server));
  return server !== undefined;
}

/** Ports that nothing listens on, all different, none of those to avoid. */
export async function freePorts(count: number, avoid: ReadonlySet<number>): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  try {
    // All stay open until the last is found, or the system might name one twice.
    while (ports.length < count) {
      const server = await listen(0);
      servers.push(server);
      const { port } = server.address() as AddressInfo;
      if (!avoid.has(port)) ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(servers.map(close));
  }
}

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
