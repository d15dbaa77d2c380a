import { createHttpEndpoint, type HttpEndpointOptions } from "./http-endpoint.ts";
import { type ListenChoice, listenOnAll } from "./listening.ts";

export interface HttpServerOptions extends HttpEndpointOptions, Omit<ListenChoice, "open"> {}
export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Stops accepting; connections end with their current request. */
  drain(): void;
  /** Resolves when no connection is left. Only after `drain`. */
  idle(): Promise<void>;
}

/** Serves the API on a port. Rejects when it is taken. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const endpoint = createHttpEndpoint(options);
  const { servers, port } = await listenOnAll({ ...options, open: endpoint.open });
  const closed = Promise.all(
    servers.map((server) => new Promise((done) => server.once("close", done))),
  );
  return {
    port,
    drain: () => endpoint.drain(),
    idle: () => closed.then(() => {}),
    [Symbol.asyncDispose]: async () => endpoint[Symbol.dispose](),
  };
}
