import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { App } from "#core/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { tokenHeader } from "#core/http/token.ts";
import type { AppRef, HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { connectionHeaders } from "../http2-message.ts";
import { counted } from "../streamed.ts";
import { calleeAppId, calleeNamespace, extras, refusal, writeExtras } from "./wire.ts";

export interface InternalServerOptions {
  readonly port: number;
  /** Empty means all addresses. */
  readonly address: string;
  /** An app that this process hosts. */
  find(to: AppRef): App | undefined;
  /** Takes a gRPC call to the app's own server. */
  onGrpc(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, callee: App): void;
}
export interface InternalServer extends AsyncDisposable {
  readonly port: number;
  /** Takes no new calls; resolves when those in flight have ended. */
  drain(): Promise<void>;
}

/** Listens for calls from other runtime processes. Rejects when the port is taken. */
export async function serveInternal(options: InternalServerOptions): Promise<InternalServer> {
  const server = createServer({ settings: { initialWindowSize: 1 << 20 } });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
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
    if (headers["content-type"]?.startsWith("application/grpc"))
      return options.onGrpc(stream, headers, callee);
    void serve(stream, headers, callee);
  });
  const port = await listen(server, options);
  return {
    port,
    drain: async () => {
      server.close();
      await Promise.all(
        [...sessions].map((session) => new Promise<void>((done) => session.close(() => done()))),
      );
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  callee: App,
): Promise<void> {
  const { channel } = callee;
  if (!channel)
    return refuse(stream, 502, "cannot invoke local endpoint: app channel not initialized");
  const gone = new AbortController();
  stream.once("close", () => gone.abort(new Error("The caller went away")));
  const method = headers[":method"] ?? "GET";
  const hasBody = !stream.readableEnded && !stream.endAfterHeaders;
  let response: PlainResponse;
  try {
    response = await channel.send(
      {
        method,
        path: headers[":path"] ?? "/",
        headers: requestHeaders(headers, callee),
        ...(hasBody ? { body: Readable.toWeb(stream) as ReadableStream<Uint8Array> } : {}),
      },
      { signal: gone.signal },
    );
  } catch (reason) {
    return refuse(stream, 502, `error invoking app channel: ${messageOf(reason)}`);
  }
  await answer(stream, response);
}

/** The callee's own token in place of whatever the caller had. */
function requestHeaders(headers: IncomingHttpHeaders, callee: App): HeaderList {
  const out: string[] = [];
  for (const name in headers) {
    if (name.startsWith(":") || name === calleeAppId || name === calleeNamespace) continue;
    if (name === tokenHeader) continue;
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) out.push(name, each);
    else if (value !== undefined) out.push(name, value);
  }
  if (callee.appToken !== undefined) out.push(tokenHeader, callee.appToken);
  return out;
}

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
}

function listen(server: Http2Server, { port, address }: InternalServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(address === "" ? {} : { host: address }) }, () => {
      server.off("error", reject);
      resolve((server.address() as { port: number }).port);
    });
  });
}
