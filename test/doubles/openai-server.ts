import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** What a client asked. */
export interface Asked {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}
/** A double of an OpenAI-compatible service: answers what the test says, over real HTTP. */
export interface OpenAiDouble extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** What comes next, until told otherwise. */
  answer(status: number, body: unknown): void;
  /** Takes requests and never answers. */
  hang(): void;
}

export async function openAiDouble(): Promise<OpenAiDouble> {
  const asked: Asked[] = [];
  let status = 200;
  let body: unknown = {};
  let silent = false;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      asked.push({
        url: incoming.url ?? "",
        headers: incoming.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
      });
      if (silent) return;
      outgoing.writeHead(status, { "content-type": "application/json" });
      outgoing.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    answer: (nextStatus, nextBody) => {
      status = nextStatus;
      body = nextBody;
    },
    hang: () => (silent = true),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
