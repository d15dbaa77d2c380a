import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { App } from "#core/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanMethod, decodePath, encodePath, splitTarget } from "#core/http/path.ts";
import { tokenHeader } from "#core/http/token.ts";
import type { AppRef, HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import type { Workload } from "#core/identity/workload.ts";
import { measuredInvocation } from "#core/telemetry/invocation.ts";
import { sendTraced } from "#core/tracing/server-span.ts";
import { at, listening } from "../listening.ts";
import { connectionHeaders } from "../http2-message.ts";
import { counted } from "../streamed.ts";
import { createInternalServer, type Identities, wasShown } from "./internal-tls.ts";
import { peerWorkload } from "./peer-workload.ts";
import { endSilent } from "./silence.ts";
import { calleeAppId, calleeNamespace, extras, refusal, writeExtras } from "./wire.ts";

export interface InternalServerOptions extends Identities {
  /** Absent: it listens nowhere, and serves what `accept` is given. */
  readonly port?: number;
  /** Empty means all addresses. */
  readonly address?: string;
  /** An app that this process hosts. */
  find(to: AppRef): App | undefined;
  /** Takes a gRPC call to the app's own server. */
  onGrpc(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, callee: App): void;
}
export interface InternalServer extends AsyncDisposable {
  /** 0 where it does not listen. */
  readonly port: number;
  /**
   * Takes a connection that was accepted elsewhere, perhaps paused, and what has been read of it. Nobody else may
   * read from the socket or resume it after that: what it holds would be lost.
   */
  accept(socket: Socket, firstBytes?: Uint8Array): void;
  /** Takes no new calls; resolves when those in flight have ended. */
  drain(): Promise<void>;
}

/** A caller keeps its connection for minutes without a call, but answers pings. */
const silentMs = 30_000;

/** Takes calls from other runtime processes. Rejects when the port is taken. */
export async function serveInternal(options: InternalServerOptions): Promise<InternalServer> {
  const server = createInternalServer(options);
  const sessions = new Set<ServerHttp2Session>();
  const accepted = new Set<Socket>();
  const silence = endSilent(silentMs);
  let isDraining = false;
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
    silence.watch(session, () => true);
  });
  server.on("stream", (stream, headers) => {
    // "close" follows, and tells.
    stream.on("error", () => {});
    const namespace = headers[calleeNamespace];
    const appId = headers[calleeAppId];
    const callee =
      typeof appId === "string"
        ? options.find({ appId, namespace: typeof namespace === "string" ? namespace : "" })
        : undefined;
    if (!callee) return refuse(stream, 404, "no host found with the given ID");
    if (options.identityFor && !wasShown(stream, callee))
      return refuse(stream, 403, "the connection is not one to this app");
    if (headers["content-type"]?.startsWith("application/grpc"))
      return options.onGrpc(stream, headers, callee);
    void serve(stream, headers, callee).catch((reason: unknown) =>
      refuse(stream, 502, messageOf(reason)),
    );
  });
  const port =
    options.port === undefined
      ? 0
      : await listening(server, { port: options.port, ...at(options.address) });
  const end = (): void => {
    isDraining = true;
    server.close();
  };
  return {
    port,
    accept: (socket, firstBytes) => {
      if (isDraining || socket.destroyed) return void socket.destroy();
      // "close" follows, and tells.
      socket.on("error", () => {});
      accepted.add(socket);
      socket.once("close", () => accepted.delete(socket));
      if (firstBytes && firstBytes.length > 0) socket.unshift(firstBytes);
      server.emit("connection", socket);
      // TLS and HTTP/2 take from the socket what it holds by themselves, but do not begin to read where nobody has.
      if (socket.readableLength === 0) socket.resume();
    },
    drain: async () => {
      end();
      await Promise.all([...sessions].map(closed));
    },
    [Symbol.asyncDispose]: async () => {
      end();
      for (const session of sessions) session.destroy();
      for (const socket of accepted) socket.destroy();
      silence[Symbol.dispose]();
    },
  };
}

/** Not by the callback of `close`: of a session that its server has begun to close it is never called. */
function closed(session: ServerHttp2Session): Promise<void> {
  if (session.destroyed) return Promise.resolve();
  return new Promise((done) => {
    session.once("close", done);
    session.close();
  });
}

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  callee: App,
): Promise<void> {
  const { channel } = callee;
  if (!channel)
    return refuse(stream, 502, "cannot invoke local endpoint: app channel not initialized");
  const path = splitTarget(headers[":path"] ?? "/");
  const operation = cleanMethod(decodePath(path.path));
  if (operation === undefined) return refuse(stream, 400, "method contains forbidden character");
  const caller = peerWorkload(stream);
  const why = callee.accessControl?.refuse({
    caller,
    operation,
    verb: headers[":method"] ?? "NONE",
  });
  if (why !== undefined) return refuse(stream, 403, why);
  const gone = new AbortController();
  stream.once("close", () => gone.abort(new Error("The caller went away")));
  const method = headers[":method"] ?? "GET";
  const hasBody = !stream.readableEnded && !stream.endAfterHeaders;
  let response: PlainResponse;
  try {
    const request: PlainRequest = {
      method,
      // What was judged is what is called.
      path: `/${encodePath(operation)}${path.query === "" ? "" : `?${path.query}`}`,
      headers: requestHeaders(headers, callee, caller),
      ...(hasBody ? { body: Readable.toWeb(stream) as ReadableStream<Uint8Array> } : {}),
    };
    const ids = { caller: callerOf(headers, caller), callee: callee.appId };
    response = await measuredInvocation(undefined, callee, ids, () =>
      sendTraced(callee, channel, operation, request, { signal: gone.signal }),
    );
  } catch (reason) {
    return refuse(stream, 502, `error invoking app channel: ${messageOf(reason)}`);
  }
  await answer(stream, response);
}

/** For the metrics: who it is proven to be, else who it says it is. */
function callerOf(headers: IncomingHttpHeaders, caller: Workload | undefined): string {
  const named = headers["dapr-caller-app-id"];
  return caller?.appId ?? (typeof named === "string" ? named : "");
}

/** The callee's own token in place of whatever the caller had. */
function requestHeaders(
  headers: IncomingHttpHeaders,
  callee: App,
  caller: Workload | undefined,
): HeaderList {
  const out: string[] = [];
  for (const name in headers) {
    if (name.startsWith(":") || name === calleeAppId || name === calleeNamespace) continue;
    if (name === tokenHeader || (caller && claims.has(name))) continue;
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) out.push(name, each);
    else if (value !== undefined) out.push(name, value);
  }
  if (caller)
    out.push("dapr-caller-app-id", caller.appId, "dapr-caller-namespace", caller.namespace);
  if (callee.appToken !== undefined) out.push(tokenHeader, callee.appToken);
  return out;
}

/** What a caller says of itself counts only where no certificate says it. */
const claims: ReadonlySet<string> = new Set(["dapr-caller-app-id", "dapr-caller-namespace"]);

async function answer(stream: ServerHttp2Stream, response: PlainResponse): Promise<void> {
  const { status, headers, body } = response;
  if (stream.destroyed) {
    if (body instanceof ReadableStream) await body.cancel().catch(() => {});
    return;
  }
  const out: Record<string, string | string[] | number> = {
    ":status": status,
    ...writeExtras(response),
  };
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (connectionHeaders.has(name) || name === "content-length" || name === refusal) continue;
    if (extras.has(name)) continue;
    const before = out[name];
    const value = headers[i + 1] as string;
    out[name] = before === undefined ? value : [before as string | string[], value].flat();
  }
  stream.respond(out);
  if (!(body instanceof ReadableStream)) return void stream.end(body);
  // The caller's side sees the reset, and its own caller a broken answer.
  await pipeline(Readable.from(counted(body)), stream).catch(() => stream.close(2));
}

function refuse(stream: ServerHttp2Stream, status: number, why: string): void {
  if (stream.destroyed || stream.headersSent) return stream.close();
  stream.respond({ ":status": status, [refusal]: encodeURIComponent(why) }, { endStream: true });
  // Nobody reads its body: left open it would keep its connection from ever ending.
  stream.close();
}
