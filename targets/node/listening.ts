import type { ListenOptions, Server } from "node:net";

/** Listens; resolves with the port (0 of a Unix socket), rejects with why it cannot. */
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
