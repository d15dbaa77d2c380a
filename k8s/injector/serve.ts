import { createServer as createHttp, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expositionType } from "#core/telemetry/exposition.ts";
import { endOf } from "./certificate-state.ts";
import type { CertificateSource } from "./certificates.ts";
import { injectorMetrics } from "./metrics.ts";
import { answerWebhook, sendText, type WebhookDeps } from "./webhook.ts";

export interface InjectorServerOptions extends Omit<WebhookDeps, "metrics"> {
  /** 0: any. */
  readonly port: number;
  readonly healthPort: number;
  /** Default: all. */
  readonly address?: string;
  /** Disposed of with the server. */
  readonly certificates: CertificateSource;
  /** So long the webhook still answers, unready, before it ends: until no API server is sent here. Default: 5 s. */
  readonly lingerMs?: number;
}
export interface InjectorServer extends AsyncDisposable {
  /** 0 until there is a certificate. */
  readonly port: number;
  readonly healthPort: number;
  /** Resolves once the webhook listens. */
  readonly listening: Promise<void>;
}

/** API servers close idle connections after 90 s; one that we close first may meet a request. */
const keepAliveMs = 120_000;
const headersMs = 10_000;
const requestMs = 20_000;
const checkMs = 5000;
const closeMs = 10_000;
const idleMs = 50;
const mostConnections = 2000;

/** Health at once, the webhook as soon as there is a certificate. Rejects when a port cannot be had. */
export async function serveInjector(options: InjectorServerOptions): Promise<InjectorServer> {
  const { certificates, address, log, lingerMs = 5000 } = options;
  const metrics = injectorMetrics(() => {
    const current = certificates.current();
    return current && endOf(current.certificate);
  });
  const deps: WebhookDeps = { ...options, metrics };
  let isEnding = false;
  const readiness = (): string | undefined =>
    isEnding ? "The injector is ending" : certificates.problem();
  const health = healthServer(readiness, () => metrics.text());
  await listen(health, options.healthPort, address);
  const webhook = createHttps(
    {
      minVersion: "TLSv1.2",
      handshakeTimeout: headersMs,
      connectionsCheckingInterval: checkMs,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
    },
    (request, response) => {
      if (isEnding) response.setHeader("connection", "close");
      void answerWebhook(request, response, deps);
    },
  );
  webhook.keepAliveTimeout = keepAliveMs;
  webhook.maxConnections = mostConnections;
  webhook.on("tlsClientError", (reason) => log.debug(`TLS: ${reason.message}`));
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  // Whoever does not wait for it learns of it all the same, by the health.
  listening.catch(() => undefined);
  let isListening = false;
  certificates.onChange(({ certificate, privateKey }) => {
    webhook.setSecureContext({ cert: certificate, key: privateKey, minVersion: "TLSv1.2" });
    if (isListening || isEnding) return;
    isListening = true;
    listen(webhook, options.port, address).then(resolve, reject);
  });
  return {
    get port() {
      return portOf(webhook);
    },
    healthPort: portOf(health),
    listening,
    [Symbol.asyncDispose]: async () => {
      if (isEnding) return;
      isEnding = true;
      if (isListening) await delay(lingerMs);
      await close(webhook);
      await certificates[Symbol.asyncDispose]();
      await close(health);
    },
  };
}

/** `/healthz`: the process answers; `/readyz`: an API server can call the webhook; `/metrics`. */
function healthServer(readiness: () => string | undefined, metrics: () => string): Server {
  return createHttp(
    { headersTimeout: headersMs, requestTimeout: requestMs },
    (request, response) => {
      // What follows the head is of no interest.
      request.resume();
      switch ((request.url ?? "").split("?")[0]) {
        case "/healthz":
          return sendText(response, 200, "ok\n");
        case "/readyz": {
          const problem = readiness();
          return sendText(response, problem === undefined ? 200 : 503, `${problem ?? "ok"}\n`);
        }
        case "/metrics":
          response.writeHead(200, { "content-type": expositionType });
          response.end(metrics());
          return undefined;
        default:
          return sendText(response, 404, "Only /healthz, /readyz and /metrics are here\n");
      }
    },
  );
}

async function listen(server: Server, port: number, address: string | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, address, () => {
    server.off("error", reject);
    resolve();
  });
  return promise;
}

/** Lets what is in flight end, but not for ever. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection whose request ends now is idle only then.
  const idle = setInterval(() => server.closeIdleConnections(), idleMs);
  const all = setTimeout(() => server.closeAllConnections(), closeMs);
  await closed;
  clearInterval(idle);
  clearTimeout(all);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}
