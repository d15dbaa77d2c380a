import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { hostIp } from "./node-cluster.ts";

/** A port whose connections go on to another one, from an address of this machine that their client could not choose. */
export async function forward(from: string, port: number): Promise<Disposable & { port: number }> {
  const server = createServer((client) => {
    const onward = connect({ host: hostIp, port, localAddress: from });
    client.pipe(onward).pipe(client);
    client.on("error", () => onward.destroy());
    onward.on("error", () => client.destroy());
    open.add(client);
  });
  const open = new Set<{ destroy(): void }>();
  server.listen(0, hostIp);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => {
      server.close();
      for (const each of open) each.destroy();
    },
  };
}
