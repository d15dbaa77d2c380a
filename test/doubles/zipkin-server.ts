import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as Zipkin's second API takes it. */
export interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly name: string;
  readonly kind: string;
  readonly timestamp: number;
  readonly duration: number;
  readonly localEndpoint: { readonly serviceName: string };
  readonly remoteEndpoint?: { readonly serviceName: string };
  readonly tags: Readonly<Record<string, string>>;
}
/** A double of Zipkin, over real HTTP. */
export interface ZipkinDouble extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly ZipkinSpan[];
}

export async function zipkinDouble(): Promise<ZipkinDouble> {
  const spans: ZipkinSpan[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const isPost = incoming.method === "POST" && incoming.url === "/api/v2/spans";
      if (isPost) spans.push(...(JSON.parse(Buffer.concat(chunks).toString()) as ZipkinSpan[]));
      outgoing.writeHead(isPost ? 202 : 404);
      outgoing.end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2/spans`,
    spans,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
