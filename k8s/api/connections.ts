import type { Agent, IncomingMessage } from "node:http";
import type { Credentials } from "./access.ts";
import type { Method } from "./client.ts";

// Not imported: for the names that an import could take, Node loads its WebSocket client along, 12 MB of memory.
const http = process.getBuiltinModule("node:http");
const https = process.getBuiltinModule("node:https");

export interface Outgoing {
  readonly method: Method;
  /** With query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** True for what stays open: it takes no place from short calls. */
  readonly isStream: boolean;
}
/** Kept-alive connections to one server. */
export interface Connections {
  /** Resolves with the head of the answer, whatever its status; rejects as `node:http` does. */
  send(outgoing: Outgoing, credentials: Credentials, signal: AbortSignal): Promise<IncomingMessage>;
  /** Cuts all of them. */
  close(): void;
}

/** Short calls at once; more of them wait. */
const mostCalls = 16;
/** Less than the 90 s after which an API server closes an idle connection, so that none is used as it goes. */
const idleMs = 45_000;
/** A quiet connection is probed so often (TCP keep-alive); Node's default is each second, for each watch of each node. */
const probeMs = 30_000;

export function openConnections(server: URL): Connections {
  const isTls = server.protocol === "https:";
  const prefix = server.pathname.replace(/\/$/, "");
  const hostname = server.hostname.replace(/^\[|\]$/g, "");
  let known: { readonly of: Credentials; readonly agents: Agents } | undefined;

  /** New certificates want new connections; those in use end by themselves. */
  function agentsFor(credentials: Credentials): Agents {
    if (known !== undefined && isSameTls(known.of, credentials)) return known.agents;
    if (known !== undefined) closeIdle(known.agents);
    known = { of: credentials, agents: openAgents(isTls, credentials) };
    return known.agents;
  }
  function once(outgoing: Outgoing, agents: Agents, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (isTls ? https : http).request({
        hostname,
        port: server.port,
        method: outgoing.method,
        path: prefix + outgoing.path,
        headers: outgoing.headers,
        agent: outgoing.isStream ? agents.streams : agents.calls,
        signal,
      });
      request.on("response", resolve);
      request.on("error", (reason) =>
        reject(request.reusedSocket ? new StaleError(reason) : reason),
      );
      request.end(outgoing.body);
    });
  }
  return {
    send: async (outgoing, credentials, signal) => {
      const agents = agentsFor(credentials);
      try {
        return await once(outgoing, agents, signal);
      } catch (reason) {
        if (!(reason instanceof StaleError)) throw reason;
        // The server closed an idle connection while the request was on its way. A read is asked again.
        if (outgoing.method !== "GET" || signal.aborted) throw reason.cause;
        return once(outgoing, agents, signal).catch((again: unknown) => {
          throw again instanceof StaleError ? again.cause : again;
        });
      }
    },
    close: () => {
      known?.agents.calls.destroy();
      known?.agents.streams.destroy();
    },
  };
}

class StaleError extends Error {
  constructor(cause: unknown) {
    super("the connection was used before", { cause });
  }
}

interface Agents {
  readonly calls: Agent;
  readonly streams: Agent;
}
function openAgents(isTls: boolean, credentials: Credentials): Agents {
  const { ca, certificate, privateKey, serverName, isInsecure } = credentials;
  const tls = {
    minVersion: "TLSv1.2",
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate, key: privateKey }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(isInsecure === true ? { rejectUnauthorized: false } : {}),
  } as const;
  const open = (maxSockets: number): Agent => {
    const options = {
      keepAlive: true,
      keepAliveMsecs: probeMs,
      timeout: idleMs,
      maxSockets,
      maxFreeSockets: 4,
    };
    return isTls ? new https.Agent({ ...options, ...tls }) : new http.Agent(options);
  };
  return { calls: open(mostCalls), streams: open(Infinity) };
}
function closeIdle({ calls, streams }: Agents): void {
  for (const agent of [calls, streams])
    for (const sockets of Object.values(agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
}
function isSameTls(one: Credentials, other: Credentials): boolean {
  return (
    one.ca === other.ca &&
    one.certificate === other.certificate &&
    one.privateKey === other.privateKey &&
    one.serverName === other.serverName &&
    one.isInsecure === other.isInsecure
  );
}
