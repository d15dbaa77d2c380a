/**
 * node bench/floor.ts PORT PROXY_PORT BACKEND_PORT
 * The least that any HTTP server and any HTTP proxy on Node can cost: bare `node:http`, and bare `node:http` with an
 * undici pool. Both answer as the runtime does, and know nothing of it.
 */
import { createServer } from "node:http";
import { Pool } from "undici";

const [port, proxyPort, backendPort] = process.argv.slice(2).map(Number);
const value = JSON.stringify({ orderId: 1, total: 12.5 });
const read = { "content-type": "application/json", etag: '"1"', "content-length": value.length };

createServer((request, response) => {
  if (request.method === "GET") {
    response.writeHead(200, read).end(value);
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    // What is sent is JSON, and a save or a publish has to read it.
    JSON.parse(Buffer.concat(chunks).toString());
    response.writeHead(204).end();
  });
}).listen(port, "127.0.0.1");

const prefix = "/v1.0/invoke/bench/method";
const pool = new Pool(`http://127.0.0.1:${backendPort}`, { connections: 64 });
createServer((request, response) => {
  pool.stream(
    {
      method: request.method as "GET",
      path: (request.url ?? "/").replace(prefix, ""),
      headers: request.rawHeaders,
      body: request.method === "GET" ? null : request,
    },
    ({ statusCode, headers }) => response.writeHead(statusCode, headers),
    (reason) => {
      if (reason) response.destroy(reason);
    },
  );
}).listen(proxyPort, "127.0.0.1");
