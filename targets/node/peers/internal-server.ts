import type { TurnResponse } from "#core/blocks/actors/receive-turn.ts";
import { turnHeader } from "#core/blocks/actors/routed-turn.ts";
import { turnedAway } from "#core/blocks/invoke/receive.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { App } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { mayHaveBody } from "#core/wire/http/may-have-body.ts";
import { missingVerb, speaksGrpc } from "#core/blocks/invoke/errors.ts";
import { responseHeaders } from "#core/blocks/_shared/forwarded-headers.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import { cleanMethod, decodePath, encodePath, splitTarget } from "#core/util/path.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { AppRef, HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import type { Workload } from "#core/identity/workload.ts";
import { measuredInvocation } from "#core/telemetry/invocation.ts";
import { sendTraced } from "#core/tracing/server-span.ts";
import { at, listening } from "../listen/listening.ts";
import { code, refuse as refuseCall } from "../grpc/status.ts";
import { bodyFrom, pump } from "../listen/http2-body.ts";
import { bytesIn, type Fields, listOf, pushFields } from "../listen/http2-message.ts";
import { collect } from "#core/util/bounded-read.ts";
import { createInternalServer, type Identities, wasShown } from "./internal-tls.ts";
import { peerWorkload } from "./peer-workload.ts";
import { written } from "../listen/written.ts";
import { endSilent } from "./silence.ts";
import {
  asHttp,
  calleeAppId,
  calleeNamespace,
  dataTypeUrl,
  extras,
  isGrpc,
  readDataType,
  refusal,
  withoutVerb,
  writeExtras,
} from "./wire.ts";

export interface InternalServerOptions extends Identities {
  /** Absent: it listens nowhere, and serves what `accept` is given. */
  readonly port?: number;
  /** Empty means all addresses. */
  readonly address?: string;
  /** An app that this process hosts. */
  find(to: AppRef): App | undefined;
  /** Runs a turn of an actor of the app for another runtime. Never rejects. */
  onTurn(
    callee: App,
    headers: HeaderList,
    body: Uint8Array,
    options: CallOptions,
  ): Promise<TurnResponse>;
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
  /** As HTTP/2 sees them: with TLS, those inside. */
  const sockets = new Set<Socket>();
  server.on("setSecureContext" in server ? "secureConnection" : "connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
    silence.watch(session, () => true);
  });
  const onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    raw: readonly string[],
  ): void => {
    // "close" follows, and tells.
    stream.on("error", () => {});
    const namespace = headers[calleeNamespace];
    const appId = headers[calleeAppId];
    const callee =
      typeof appId === "string"
        ? options.find({ appId, namespace: typeof namespace === "string" ? namespace : "" })
        : undefined;
    const isProxied = isGrpc(headers) && headers[asHttp] === undefined;
    const turnAway = isProxied ? refuseGrpc : refuse;
    if (!callee) return turnAway(stream, 404, "no host found with the given ID");
    if (options.identityFor && !wasShown(stream, callee))
      return turnAway(stream, 403, "the connection is not one to this app");
    if (isProxied) return options.onGrpc(stream, headers, callee);
    if (headers[turnHeader] !== undefined)
      return void serveTurn(stream, raw, callee, options.onTurn).catch((reason: unknown) =>
        refuse(stream, 502, messageOf(reason)),
      );
    void serve(stream, headers, raw, callee).catch((reason: unknown) =>
      refuse(stream, 502, messageOf(reason)),
    );
  };
  server.on("stream", onStream);
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
      for (const session of sessions) if (!session.closed) session.close();
      await Promise.all([...sockets].map(written));
    },
    [Symbol.asyncDispose]: async () => {
      end();
      for (const session of sessions) session.destroy();
      for (const socket of accepted) socket.destroy();
      silence[Symbol.dispose]();
    },
  };
}

/** No access control is asked: actors are of a namespace, as in Dapr, and the connection proves who may see it. */
async function serveTurn(
  stream: ServerHttp2Stream,
  raw: readonly string[],
  callee: App,
  onTurn: InternalServerOptions["onTurn"],
): Promise<void> {
  const gone = new AbortController();
  stream.once("close", () => gone.abort(new Error("The caller went away")));
  const { maxBodyBytes } = callee.limits;
  const body = stream.readableEnded
    ? new Uint8Array(0)
    : await collect(bodyFrom(stream), maxBodyBytes);
  const headers = listOf(raw, (name) => ours.has(name) || name.startsWith(":"));
  const response = await onTurn(callee, headers, body, { signal: gone.signal });
  await answer(stream, response, "POST");
  // While one runtime takes the place of another, both listen on the port, and the next connection may reach the other.
  if (response.isStray) stream.session?.close();
}

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  raw: readonly string[],
  callee: App,
): Promise<void> {
  const { channel } = callee;
  if (!channel)
    return refuse(stream, 502, "cannot invoke local endpoint: app channel not initialized");
  const path = splitTarget(headers[":path"] ?? "/");
  const operation = cleanMethod(decodePath(path.path));
  if (operation === undefined) return refuse(stream, 400, "method contains forbidden character");
  const method = headers[withoutVerb] === undefined ? (headers[":method"] ?? "GET") : "";
  if (method === "" && !speaksGrpc(callee)) return refuse(stream, 400, missingVerb);
  const caller = peerWorkload(stream);
  const why = turnedAway(callee, { caller, method: operation, verb: method });
  if (why !== undefined) return refuse(stream, 403, why);
  const gone = new AbortController();
  stream.once("close", () => gone.abort(new Error("The caller went away")));
  let response: PlainResponse;
  try {
    const request: PlainRequest = {
      method,
      // What was judged is what is called.
      path: `/${encodePath(operation)}${path.query === "" ? "" : `?${path.query}`}`,
      headers: requestHeaders(raw, callee, caller),
      ...(await bodyOf(stream, headers)),
      ...readDataType(headers),
    };
    const ids = { caller: callerOf(headers, caller), callee: callee.appId };
    response = await measuredInvocation(undefined, callee.telemetry, ids, () =>
      sendTraced(callee, channel, operation, request, { signal: gone.signal }),
    );
  } catch (reason) {
    return refuse(stream, 502, `error invoking app channel: ${messageOf(reason)}`);
  }
  await answer(stream, response, method);
}

/** For the metrics: who it is proven to be, else who it says it is. */
function callerOf(headers: IncomingHttpHeaders, caller: Workload | undefined): string {
  const named = headers[callerAppId];
  return caller?.appId ?? (typeof named === "string" ? named : "");
}

/** A small body whole, where its length is known; any other as it comes. */
async function bodyOf(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): Promise<Pick<PlainRequest, "body" | "bodyBytes">> {
  if (stream.readableEnded || stream.endAfterHeaders) return {};
  const body = bodyFrom(stream);
  const length = headers["content-length"];
  if (length === undefined) return { body };
  const bodyBytes = Number(length);
  return bodyBytes <= bufferedBytes
    ? { body: await collect(body, bodyBytes) }
    : { body, bodyBytes };
}
const bufferedBytes = 65_536;

/** The callee's own token in place of whatever the caller had. */
function requestHeaders(
  raw: readonly string[],
  callee: App,
  caller: Workload | undefined,
): HeaderList {
  const out = listOf(raw, (name) => ours.has(name) || (caller !== undefined && claims.has(name)));
  if (caller) out.push(callerAppId, caller.appId, callerNamespace, caller.namespace);
  if (callee.identity.appToken !== undefined) out.push(tokenHeader, callee.identity.appToken);
  return out;
}
/** What is said from runtime to runtime. */
const ours: ReadonlySet<string> = new Set([
  calleeAppId,
  calleeNamespace,
  asHttp,
  dataTypeUrl,
  withoutVerb,
  tokenHeader,
  "content-length",
]);

/** What a caller says of itself counts only where no certificate says it. */
const claims: ReadonlySet<string> = new Set([callerAppId, callerNamespace]);

async function answer(
  stream: ServerHttp2Stream,
  response: PlainResponse,
  method: string,
): Promise<void> {
  const { status, headers, body } = response;
  if (stream.destroyed) return discard(response);
  // What an app leaves unread of its request would keep the stream, and with it the connection.
  stream.once("finish", () => stream.readableEnded || stream.close());
  const out = Object.assign(Object.create(null), writeExtras(response)) as Fields;
  pushFields(out, responseHeaders(headers), (name) => name === refusal || extras.has(name));
  if (body === undefined || method === "HEAD" || !mayHaveBody(status)) {
    discard(response);
    return stream.respond(out, { endStream: true });
  }
  // Tells the caller's runtime that it need not stream.
  const bytes = bytesIn(body);
  if (bytes !== undefined) out["content-length"] = String(bytes);
  stream.respond(out);
  if (!(body instanceof ReadableStream)) return void stream.end(body);
  // The caller's side sees the reset, and its own caller a broken answer.
  await pump(body, stream).catch(() => {});
}

/** In the words of gRPC, since the caller's runtime passes on what it gets. */
function refuseGrpc(stream: ServerHttp2Stream, status: 403 | 404, message: string): void {
  const { permissionDenied, unknown } = code;
  refuseCall(stream, { code: status === 403 ? permissionDenied : unknown, message });
  stream.close();
}

function refuse(stream: ServerHttp2Stream, status: number, why: string): void {
  if (stream.destroyed || stream.headersSent) return stream.close();
  stream.respond({ ":status": status, [refusal]: encodeURIComponent(why) }, { endStream: true });
  // Nobody reads its body: left open it would keep its connection from ever ending.
  stream.close();
}
