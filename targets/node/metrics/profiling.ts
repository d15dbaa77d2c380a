import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Session } from "node:inspector/promises";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { getHeapSnapshot } from "node:v8";
import { messageOf } from "#core/errors/component-error.ts";

/** Where a process offers its profiles. */
export interface ProfileServers extends AsyncDisposable {
  readonly ports: readonly number[];
}

const defaultSeconds = 30;
const maxSeconds = 300;
/** A page of another site, by a name that it points at this machine, must not read a heap. */
const loopbackNames = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

/** Serves CPU and heap profiles to this machine, one at a time: a heap holds secrets, and a profile stops the world. Rejects when a port is taken. */
export async function serveProfiles(ports: Iterable<number>): Promise<ProfileServers> {
  const servers: Server[] = [];
  const ending = new AbortController();
  try {
    for (const port of new Set(ports)) servers.push(await listen(port, ending.signal));
  } catch (reason) {
    for (const server of servers) server.close();
    throw new Error(
      `Cannot serve profiles (${messageOf(reason)}); choose another port with --profile-port`,
      { cause: reason },
    );
  }
  return {
    ports: servers.map((server) => (server.address() as { port: number }).port),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function listen(port: number, ending: AbortSignal): Promise<Server> {
  let busy = false;
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    if (!loopbackNames.test(request.headers.host ?? "")) return refuse(response, 403, "not here");
    if (busy) return refuse(response, 429, "another profile is being taken");
    busy = true;
    answer(request, response, ending)
      .catch((reason: unknown) => refuse(response, 500, messageOf(reason)))
      .finally(() => (busy = false));
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1" }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  switch (pathname) {
    case "/debug/pprof/profile": {
      const seconds = Number(searchParams.get("seconds") ?? defaultSeconds);
      if (!(seconds > 0 && seconds <= maxSeconds))
        return refuse(response, 400, `seconds must be more than 0 and at most ${maxSeconds}`);
      const gone = new AbortController();
      response.once("close", () => gone.abort());
      const signal = AbortSignal.any([gone.signal, ending]);
      const profile = await cpuProfile(seconds, signal);
      response.setHeader("content-type", "application/json");
      response.setHeader("content-disposition", 'attachment; filename="outrigger.cpuprofile"');
      response.end(JSON.stringify(profile));
      return;
    }
    case "/debug/pprof/heap":
      response.setHeader("content-type", "application/json");
      response.setHeader("content-disposition", 'attachment; filename="outrigger.heapsnapshot"');
      await pipeline(getHeapSnapshot(), response);
      return;
    case "/debug/pprof":
    case "/debug/pprof/":
      response.end("/debug/pprof/profile?seconds=30\n/debug/pprof/heap\n");
      return;
    default:
      refuse(response, 404, "not found");
  }
}

/** As Chrome and VS Code open it. */
async function cpuProfile(seconds: number, signal: AbortSignal): Promise<unknown> {
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    // Cut short for whoever has gone away; nobody reads it then.
    await delay(seconds * 1000, undefined, { signal, ref: false }).catch(() => {});
    const { profile } = await session.post("Profiler.stop");
    return profile;
  } finally {
    session.disconnect();
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (response.headersSent) return void response.destroy();
  response.statusCode = status;
  response.removeHeader("content-disposition");
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(`${why}\n`);
}
