import type { App } from "#core/kernel/app.ts";
import { createHttp, type HttpBlock } from "#core/wire/http/surface.ts";
import { invokeHttp } from "#core/blocks/invoke/http.ts";
import { createInvoke, type InvokeDeps } from "#core/blocks/invoke/operations.ts";
import { compose } from "#core/kernel/operation.ts";
import type { Log, Platform } from "#core/ports/platform.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}
export interface ApiRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
}
export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The HTTP surface as one app calls it, with the invocation block as fallback. */
export function api(
  app: App,
  blocks: readonly HttpBlock[] = [],
  deps: Partial<InvokeDeps> & { readonly fetch?: typeof fetch } = {},
): (path: string, request?: ApiRequest) => Promise<ApiAnswer> {
  const platform = {
    clock: fakeClock(),
    log: silent,
    fetch: deps.fetch ?? (() => Promise.reject(new Error("no network in this test"))),
    host: { address: "10.0.0.7", name: "node-7" },
    env: {},
    binding: () => undefined,
    background: () => {},
  } as unknown as Platform;
  const invoke = createInvoke({ platform, find: () => undefined, ...deps });
  const surface = createHttp(
    compose([]),
    [...blocks, (routes) => invokeHttp(routes, invoke)],
    silent,
  );
  return async (path, { method = "GET", headers = {}, body } = {}) => {
    const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const length: Record<string, string> =
      text === undefined ? {} : { "content-length": String(new TextEncoder().encode(text).length) };
    const all = { ...headers, ...length };
    const request = new Request("http://localhost/", {
      method,
      headers: all,
      ...(text === undefined ? {} : { body: text }),
    });
    const response = await surface(request, {
      app,
      target: path,
      rawHeaders: Object.entries(all).flat(),
    });
    const answer = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text: answer,
      get json() {
        return JSON.parse(answer) as Record<string, unknown>;
      },
    };
  };
}
