import { messageOf } from "#core/errors/component-error.ts";
import type { ListenChoice } from "../listen/listening.ts";
import { onFirstUse } from "../listen/on-first-use.ts";
import { type PortServer, servePort } from "../listen/serve-port.ts";
import type { InternalServerOptions } from "./internal-server.ts";

/** Takes calls from other runtime processes on a port; what speaks with them is loaded with the first. Rejects when it is taken. */
export function serveInternalPort(
  options: Omit<InternalServerOptions, "port" | "address">,
  where: Omit<ListenChoice, "open" | "socketPath">,
): Promise<PortServer> {
  const endpoint = onFirstUse(
    async () => {
      const { serveInternal } = await import("./internal-server.ts");
      const server = await serveInternal(options);
      return {
        accept: (socket) => server.accept(socket),
        drain: () => server.drain(),
        close: () => Promise.resolve(server[Symbol.asyncDispose]()),
      };
    },
    (reason) => where.log.error(`Cannot serve the internal port: ${messageOf(reason)}`),
  );
  return servePort(endpoint, where);
}
