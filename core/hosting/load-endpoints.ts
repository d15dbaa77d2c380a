import type { HttpEndpoint } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { headerValue } from "#core/util/header-value.ts";
import { within } from "#core/util/time-limit.ts";
import type { Components } from "./load-components.ts";
import type { AppRef, Clock, Platform } from "#core/ports/platform.ts";
import type { ReloadFault } from "./reload/documents.ts";
import type { HttpEndpointDocument } from "#core/resources/http-endpoint.ts";
import { environmentOf, resolveValues, type ValueSource } from "#core/resources/values.ts";

export type Endpoints = ReadonlyMap<string, HttpEndpoint>;

const secretTimeoutMs = 5000;
/** Between two tries to look something up. */
const againMs = 1000;

/**
 * The addresses that the app may invoke by name, their headers' secrets looked up. Where that fails, the endpoint stays
 * what it was `before`, or its calls try again.
 */
export async function loadEndpoints(
  app: AppRef,
  documents: readonly HttpEndpointDocument[],
  components: Pick<Components, "get">,
  platform: Pick<Platform, "env" | "documentEnv" | "sendWith" | "clock" | "log">,
  before?: Endpoints,
): Promise<{ readonly endpoints: Endpoints; readonly faults: readonly ReloadFault[] }> {
  const { clock, log, sendWith } = platform;
  const faults: ReloadFault[] = [];
  async function lookUp(document: HttpEndpointDocument): Promise<HttpEndpoint> {
    const { name, spec, secretStore = "kubernetes" } = document;
    const source: ValueSource = {
      secret: async (key, field) => {
        const store = components.get("secretstores", secretStore);
        if (!store) throw new Error(`secret store "${secretStore}" is not loaded`);
        const secret = await within(clock, secretTimeoutMs, {}, (options) =>
          store.port.get(key, {}, options),
        );
        return secret?.[field];
      },
      env: environmentOf(platform),
      app,
      uuid: () => crypto.randomUUID(),
    };
    const values = await resolveValues(spec.headers, source);
    const tls = spec.clientTls ? await resolveValues(spec.clientTls, source) : undefined;
    if (tls && !sendWith) throw new Error("it has clientTLS, which this platform does not support");
    return {
      name,
      baseUrl: spec.baseUrl,
      headers: Object.entries(values).flatMap(([header, value]) => [header, headerValue(value)]),
      ...(tls && sendWith ? { send: sendWith(tls) } : {}),
    };
  }
  async function open(document: HttpEndpointDocument): Promise<HttpEndpoint> {
    const { name, spec, origin } = document;
    try {
      return await lookUp(document);
    } catch (reason) {
      const why = messageOf(reason);
      faults.push({ kind: "HTTPEndpoint", name, reason: why, file: origin.file });
      const former = before?.get(name);
      const isKept = former !== undefined && !former.lookUp;
      log.error(
        `Cannot open HTTPEndpoint ${name}; ${isKept ? "the previous version stays in use" : "calls to it fail until it opens"}: ${why}`,
        { app_id: app.appId, where: `${origin.file} (document ${origin.document})` },
      );
      if (isKept) return former;
      const later = { lookUp: onceInAWhile(() => lookUp(document), clock) };
      return { name, baseUrl: spec.baseUrl, headers: [], ...later };
    }
  }
  const opened = await Promise.all(documents.map(open));
  return { endpoints: new Map(opened.map((endpoint) => [endpoint.name, endpoint])), faults };
}

/** What has worked once, or is under way, is not done again; nor what has just failed. */
function onceInAWhile<T>(attempt: () => Promise<T>, clock: Pick<Clock, "now">): () => Promise<T> {
  let last: Promise<T> | undefined;
  let failedAt = -Infinity;
  return () => {
    if (last && (failedAt === -Infinity || clock.now() - failedAt < againMs)) return last;
    failedAt = -Infinity;
    last = attempt();
    last.catch(() => (failedAt = clock.now()));
    return last;
  };
}
