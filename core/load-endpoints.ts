import type { HttpEndpoint } from "./app.ts";
import type { Components } from "./load-components.ts";
import type { AppRef, Platform } from "./ports/platform.ts";
import type { HttpEndpointDocument } from "./resources/http-endpoint.ts";
import { resolveValues, type ValueSource } from "./resources/values.ts";

const secretTimeoutMs = 5000;

/** The addresses that the app may invoke by name, their headers' secrets looked up. */
export async function loadEndpoints(
  app: AppRef,
  documents: readonly HttpEndpointDocument[],
  components: Pick<Components, "get">,
  { env, fetchWith }: Pick<Platform, "env" | "fetchWith">,
): Promise<ReadonlyMap<string, HttpEndpoint>> {
  const endpoints = new Map<string, HttpEndpoint>();
  for (const { name, spec, secretStore } of documents) {
    const source: ValueSource = {
      secret: async (key, field) => {
        const store = components.get("secretstores", secretStore ?? "kubernetes");
        const options = { signal: AbortSignal.timeout(secretTimeoutMs) };
        return (await store?.port.get(key, {}, options))?.[field];
      },
      env,
      app,
      uuid: () => crypto.randomUUID(),
    };
    const values = await resolveValues(spec.headers, source);
    const tls = spec.clientTls ? await resolveValues(spec.clientTls, source) : undefined;
    if (tls && !fetchWith)
      throw new Error(`HTTPEndpoint "${name}" has clientTLS, which this platform cannot do`);
    endpoints.set(name, {
      name,
      baseUrl: spec.baseUrl,
      headers: Object.entries(values).flat(),
      ...(tls && fetchWith ? { fetch: fetchWith(tls) } : {}),
    });
  }
  return endpoints;
}
