import type { HttpEndpoint } from "./app.ts";
import type { Components } from "./load-components.ts";
import type { AppRef, Platform } from "./ports/platform.ts";
import type { HttpEndpointDocument } from "./resources/http-endpoint.ts";
import { resolveValues } from "./resources/values.ts";

const secretTimeoutMs = 5000;

/** The addresses that the app may invoke by name, their headers' secrets looked up. */
export async function loadEndpoints(
  app: AppRef,
  documents: readonly HttpEndpointDocument[],
  components: Pick<Components, "get">,
  env: Platform["env"],
): Promise<ReadonlyMap<string, HttpEndpoint>> {
  const endpoints = new Map<string, HttpEndpoint>();
  for (const { name, spec, secretStore } of documents) {
    const values = await resolveValues(spec.headers, {
      secret: async (key, field) => {
        const store = components.get("secretstores", secretStore ?? "kubernetes");
        const options = { signal: AbortSignal.timeout(secretTimeoutMs) };
        return (await store?.port.get(key, {}, options))?.[field];
      },
      env,
      app,
      uuid: () => crypto.randomUUID(),
    });
    endpoints.set(name, { name, baseUrl: spec.baseUrl, headers: Object.entries(values).flat() });
  }
  return endpoints;
}
