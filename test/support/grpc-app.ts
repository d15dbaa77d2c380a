import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** One call to an app that speaks gRPC, as its HTTP/2 stream. */
export interface GrpcCall {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn. */
  readonly raw: readonly string[];
  /** True: the caller has said that its messages have ended. */
  hasEnded: boolean;
  /** How it was reset; `undefined` while it was not. */
  resetBy: number | undefined;
}
export interface GrpcApp extends AsyncDisposable {
  readonly port: number;
  readonly calls: readonly GrpcCall[];
}

/** A server that leaves what it answers to the test; what the runtime asks at its start it does not have. */
export async function grpcApp(onCall: (call: GrpcCall) => void = () => {}): Promise<GrpcApp> {
  const calls: GrpcCall[] = [];
  const server = createServer({ strictSingleValueFields: false });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers, _flags, raw) => {
    stream.on("error", () => {});
    const path = headers[":path"] ?? "";
    if (path.startsWith("/dapr.") && !path.endsWith("/OnInvoke")) {
      stream.resume();
      return stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "12" },
        { endStream: true },
      );
    }
    const call: GrpcCall = { stream, headers, raw, hasEnded: false, resetBy: undefined };
    calls.push(call);
    stream.on("end", () => (call.hasEnded = stream.rstCode === 0 && !stream.aborted));
    stream.once("close", () => (call.resetBy = stream.rstCode));
    onCall(call);
    stream.resume();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
