import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type ListenChoice, listenOnAll } from "../listen/listening.ts";
import { expositionType } from "#core/telemetry/exposition.ts";

export interface MetricsServerOptions extends Omit<ListenChoice, "open" | "socketPath"> {
  /** The text, in pieces. */
  read(): AsyncIterable<string>;
}
export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

const readMs = 10_000;
const maxConnections = 64;

/** Answers every path with the metrics, as daprd does. Rejects when the port is taken. */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { servers, port } = await listenOnAll({ ...options, open: () => serverFor(options) });
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.close();
        (server as Server).closeAllConnections();
      }
    },
  };
}

function serverFor(options: MetricsServerOptions): Server {
  const server = createServer(
    { requestTimeout: readMs, headersTimeout: readMs, keepAliveTimeout: 65_000 },
    (request, response) => void answer(options, request, response),
  );
  server.maxConnections = maxConnections;
  return server;
}

async function answer(
  { read }: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  response.setHeader("content-type", expositionType);
  try {
    if (request.method === "HEAD") return void response.end();
    // A piece at a time: nobody holds the whole text, however slowly it is read.
    const text = Readable.from(read(), { objectMode: false });
    if (/\bgzip\b/.test(request.headers["accept-encoding"] ?? "")) {
      response.setHeader("content-encoding", "gzip");
      await pipeline(text, createGzip(), response);
    } else await pipeline(text, response);
  } catch {
    // Whoever asked has gone away.
    response.destroy();
  }
}
