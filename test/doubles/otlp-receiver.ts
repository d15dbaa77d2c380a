import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials, type ServiceError, status } from "@grpc/grpc-js";
import { readJson, readProtobuf, type ReceivedSpan } from "./otlp-message.ts";

/** A double of an OpenTelemetry collector, over real connections. */
export interface OtlpReceiver extends AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  /** In the order they came in. */
  readonly spans: readonly ReceivedSpan[];
  /** What came with each export: HTTP headers or gRPC metadata, and the path. */
  readonly exports: ReadonlyArray<Readonly<Record<string, string>>>;
  /** Connections that were opened. */
  readonly connections: number;
  /** The next exports are refused so (an HTTP status, or a gRPC code); `undefined` takes them again. */
  refuse(code: number | undefined, headers?: Readonly<Record<string, string>>): void;
  /** Takes exports and never answers. */
  hang(): void;
}

export async function otlpHttpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const exports: Array<Readonly<Record<string, string>>> = [];
  let refused: number | undefined;
  let extra: Readonly<Record<string, string>> = {};
  let silent = false;
  let connections = 0;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const body = Buffer.concat(chunks);
      const isJson = incoming.headers["content-type"] === "application/json";
      exports.push({
        ...(incoming.headers as Record<string, string>),
        ":path": incoming.url ?? "",
      });
      if (silent) return;
      if (refused !== undefined) {
        outgoing.writeHead(refused, extra);
        return void outgoing.end("no room");
      }
      spans.push(...(isJson ? readJson(body.toString()) : readProtobuf(body)));
      outgoing.writeHead(200, { "content-type": incoming.headers["content-type"] });
      outgoing.end(isJson ? "{}" : "");
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    exports,
    get connections() {
      return connections;
    },
    refuse: (code, headers = {}) => {
      refused = code;
      extra = headers;
    },
    hang: () => (silent = true),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

export async function otlpGrpcReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const exports: Array<Readonly<Record<string, string>>> = [];
  const peers = new Set<string>();
  let refused: number | undefined;
  let silent = false;
  const server = new Server();
  server.register(
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    (
      call: {
        readonly request: Buffer;
        readonly metadata: { getMap(): object };
        getPeer(): string;
      },
      answer: (reason: Partial<ServiceError> | null, message?: Buffer) => void,
    ) => {
      exports.push(call.metadata.getMap() as Record<string, string>);
      peers.add(call.getPeer());
      if (silent) return;
      if (refused !== undefined) return answer({ code: refused, details: "no room" });
      spans.push(...readProtobuf(call.request));
      answer(null, Buffer.alloc(0));
    },
    (message: Buffer) => message,
    (message: Buffer) => message,
    "unary",
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (reason, bound) => {
      if (reason) reject(reason);
      else resolve(bound);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    spans,
    exports,
    get connections() {
      return peers.size;
    },
    refuse: (code) => {
      refused = code === undefined || code in status ? code : status.UNKNOWN;
    },
    hang: () => (silent = true),
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}
