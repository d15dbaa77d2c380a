import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";

export interface ActorId {
  readonly type: string;
  readonly id: string;
}
/** What an app does with its actors. */
export interface ActorApp {
  readonly types: readonly string[];
  invoke?(actor: ActorId, method: string): Promise<string>;
  remind?(actor: ActorId, name: string): void;
  deactivate?(actor: ActorId): void;
}
/** The HTTP server of an app. */
export interface AppHost {
  readonly port: number;
  /** Ends it as the end of a pod does: connections break, and nothing is answered any more. */
  die(): void;
}

export async function startAppHost(app: ActorApp, port: number): Promise<AppHost> {
  const server = createServer((request, response) => {
    answer(app, request).then(
      (body) => end(response, body === undefined ? 404 : 200, body ?? ""),
      (reason: unknown) => end(response, 500, String(reason)),
    );
  });
  server.keepAliveTimeout = 60_000;
  // A port that has just been left is free again after a moment.
  for (let tries = 0; ; tries++) {
    server.listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      break;
    } catch (reason) {
      if (tries === 50) throw reason;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  return {
    port,
    die: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function end(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
}

/** `undefined`: there is no such route. */
async function answer(app: ActorApp, request: IncomingMessage): Promise<string | undefined> {
  const { method, url = "" } = request;
  request.resume();
  if (method === "GET" && url === "/dapr/config") return JSON.stringify({ entities: app.types });
  const [, actors, ...rest] = url.split("/");
  if (actors !== "actors") return undefined;
  const [type = "", id = "", , name = "", detail] = rest.map(decodeURIComponent);
  const actor = { type, id };
  if (method === "DELETE") app.deactivate?.(actor);
  else if (name === "remind" && detail !== undefined) app.remind?.(actor, detail);
  else return (await app.invoke?.(actor, name)) ?? "";
  return "";
}
