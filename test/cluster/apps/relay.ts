/**
 * An app that a test plays by its pod's address: a request for `/v1.0...` goes to the runtime as the pod's own,
 * with its token (`x-token: none`, `file`, or another text) and to its address (`x-runtime`: another). Whatever the
 * runtime asks of it, it answers with its own name; `/slow` after a minute.
 */
import { readFileSync } from "node:fs";
import { type IncomingMessage, createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

const { env } = process;

function tokenFor(asked: string | undefined): string | undefined {
  if (asked === "none") return undefined;
  if (asked === "file") return readFileSync(env["OUTRIGGER_TOKEN_FILE"] ?? "", "utf8");
  return asked ?? env["DAPR_API_TOKEN"];
}

async function relay(request: IncomingMessage, body: Buffer): Promise<Response> {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === "string" ? value : undefined;
  };
  const token = tokenFor(header("x-token"));
  const local = `http://127.0.0.1:${env["DAPR_HTTP_PORT"]}`;
  const url = new URL(
    request.url ?? "/",
    header("x-runtime") ?? env["DAPR_HTTP_ENDPOINT"] ?? local,
  );
  return fetch(url, {
    method: request.method ?? "GET",
    headers: {
      "content-type": header("content-type") ?? "application/json",
      ...(token === undefined ? {} : { "dapr-api-token": token }),
    },
    ...(body.length > 0 ? { body } : {}),
  });
}

createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url?.startsWith("/v1.0") === true) {
      const answer = await relay(request, Buffer.concat(chunks));
      response.writeHead(answer.status, {
        "content-type": answer.headers.get("content-type") ?? "",
      });
      response.end(Buffer.from(await answer.arrayBuffer()));
      return;
    }
    if (request.url === "/dapr/subscribe") return void response.end("[]");
    if (request.url === "/slow") await delay(60_000);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ by: env["POD_NAME"] }));
  })().catch((reason: unknown) => {
    response.writeHead(599);
    response.end(String((reason as Error).cause ?? reason));
  });
}).listen(Number(env["PORT"] ?? env["APP_PORT"] ?? 3000));
