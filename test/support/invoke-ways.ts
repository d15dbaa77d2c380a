import type { NodeAppOptions } from "#targets/node/options.ts";
import type { RawApp } from "./raw-http.ts";
import { type TwoRuntimes, twoRuntimes } from "./two-runtimes.ts";

/** Where an invocation comes in, and what it asks for there. */
export interface Way {
  readonly port: number;
  readonly path: string;
}
export const wayNames = [
  "its own app",
  "an app of another runtime",
  "an HTTPEndpoint",
  "a URL",
] as const;
export type WayName = (typeof wayNames)[number];

/** One app, and all ways to invoke it over HTTP. */
export interface InvokeWays extends AsyncDisposable {
  readonly runtimes: TwoRuntimes;
  to(name: WayName, method?: string): Way;
}

export async function invokeWays(
  app: Pick<RawApp, "port">,
  options: Partial<NodeAppOptions> = {},
): Promise<InvokeWays> {
  const baseUrl = `http://127.0.0.1:${app.port}`;
  const text = JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "HTTPEndpoint",
    metadata: { name: "endpoint" },
    spec: { baseUrl, headers: [{ name: "X-Endpoint", value: "yes" }] },
  });
  const inlineResources = [{ name: "endpoint.yaml", text }];
  const runtimes = await twoRuntimes({ appPort: app.port, inlineResources, ...options }, options);
  const near = (target: string, method: string): Way => ({
    port: runtimes.callee.httpPort,
    path: `/v1.0/invoke/${target}/method/${method}`,
  });
  return {
    runtimes,
    to: (name, method = "m") => {
      switch (name) {
        case "its own app":
          return near("cart", method);
        case "an app of another runtime":
          return { ...near("cart", method), port: runtimes.caller.httpPort };
        case "an HTTPEndpoint":
          return near("endpoint", method);
        case "a URL":
          return near(baseUrl, method);
      }
    },
    [Symbol.asyncDispose]: () => runtimes[Symbol.asyncDispose](),
  };
}
