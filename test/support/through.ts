import type { HttpMiddleware, PipelineRequest } from "#core/ports/http-middleware.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";

export interface Through {
  readonly status: number;
  /** Names in lower case; of repeated ones the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** What the next handler got; `undefined` when it was not called. */
  readonly passed:
    | (Pick<PlainRequest, "method" | "path"> & {
        readonly headers: ReadonlyMap<string, string>;
        readonly body: string;
      })
    | undefined;
}

/** Sends one request through one middleware, to a next handler that answers as given. */
export async function through(
  middleware: HttpMiddleware,
  request: Partial<PipelineRequest> = {},
  answer: PlainResponse | (() => Promise<PlainResponse>) = {
    status: 200,
    headers: [],
    body: "next",
  },
): Promise<Through> {
  let passed: Through["passed"];
  const response = await middleware.handle(
    { method: "GET", path: "/", headers: [], maxBodyBytes: 1_000_000, ...request },
    async (given) => {
      passed = {
        method: given.method,
        path: given.path,
        headers: mapOf(given.headers),
        body: await textOf(given.body),
      };
      return typeof answer === "function" ? answer() : answer;
    },
    { signal: new AbortController().signal },
  );
  return {
    status: response.status,
    headers: mapOf(response.headers),
    body: await textOf(response.body),
    passed,
  };
}

function mapOf(headers: readonly string[]): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2)
    out.set((headers[i] as string).toLowerCase(), headers[i + 1] as string);
  return out;
}
async function textOf(body: PlainRequest["body"]): Promise<string> {
  return body === undefined ? "" : new Response(body as NonNullable<RequestInit["body"]>).text();
}
