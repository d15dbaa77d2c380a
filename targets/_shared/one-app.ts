import type { App } from "#core/kernel/app.ts";
import {
  type Configuration,
  type ConfigurationDocument,
  mergeConfigurations,
} from "#core/resources/configuration.ts";
import { parseConfigurations } from "#core/resources/configuration-file.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";
import type { Resource } from "#core/resources/resource.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import { targetOf } from "#core/wire/http/input.ts";
import { createJwtVerifier, readJwtSettings } from "#core/identity/jwt.ts";
import { hashToken } from "#core/identity/token-check.ts";
import type { Manifest, Target } from "#core/ports/manifest.ts";
import type { AppChannel, Clock, Log, Platform } from "#core/ports/platform.ts";
import { createRuntime, type Runtime } from "#core/hosting/runtime.ts";
import { endsWithin } from "#core/util/time-limit.ts";
import { answerMetrics, instanceMetrics } from "./metrics-route.ts";
import type { NamedText, Settings } from "./settings.ts";

export interface OneAppOptions {
  readonly platform: Platform;
  readonly target: Target;
  readonly manifests: readonly Manifest[];
  readonly settings: Settings;
  readonly resources: readonly Resource[];
  readonly channel?: AppChannel;
}

/** A runtime that hosts the one app of its deployment: who calls is known before anyone calls. */
export interface OneApp {
  readonly app: App;
  readonly runtime: Runtime;
  readonly log: Log;
  /** `remoteAddress`: of the peer, where the platform tells it. */
  fetch(request: Request, remoteAddress?: string): Promise<Response>;
  /** Resolves once the app was asked for its subscriptions, which what the platform pushes must wait for; rejects when that takes too long. */
  started(): Promise<void>;
}
/** What a health check or a push waits for the start. */
const startMs = 10_000;
const hangingMs = 60_000;
const probeMs = 5_000;

export async function openOneApp(options: OneAppOptions): Promise<OneApp> {
  const { platform, settings, channel } = options;
  const runtime = createRuntime(options);
  const jwt = readJwtSettings(platform.env);
  const configuration = readConfiguration(settings.configurations, platform);
  const metrics = instanceMetrics(settings, configuration.metrics, platform);
  const hosted = await runtime.addApp({
    appId: settings.appId,
    namespace: settings.namespace,
    channel,
    connection: channel && connectionOf(settings),
    resources: options.resources,
    configuration,
    metrics,
    apiTokens: await acceptedTokens(settings, jwt !== undefined, platform.log),
    verifyToken: jwt && createJwtVerifier(jwt, platform),
    appToken: settings.appToken,
    limits: { maxBodyBytes: settings.maxBodyBytes },
    bindingProbeMs: probeMs,
    shutdown: () =>
      platform.log.warn("Ignoring a shutdown call: the platform decides when an instance ends"),
  });
  const started = starter(hosted, platform.clock);
  return {
    app: hosted.app,
    runtime,
    log: platform.log,
    started,
    fetch: async (request, remoteAddress) => {
      const shown = answerMetrics(request, hosted.app);
      if (shown) return shown;
      const start = started();
      // An instance starts with its first request, so whoever asks how it is must let it start. All others
      // must not wait: the app may be calling while it is asked for its subscriptions.
      const logged = start.catch((reason: unknown) =>
        platform.log.error(`Cannot start what calls the app: ${messageOf(reason)}`),
      );
      if (runtime.fetch.exempt(request.method, targetOf(request.url))?.publicPort) await logged;
      else platform.background(logged);
      return runtime.fetch(request, { app: hosted.app, remoteAddress });
    },
  };
}

/**
 * Starts once; a start that failed is tried again by the next who asks. So is one that hangs: on Workers it
 * ends without a word when the request that began it is cancelled.
 */
function starter(hosted: AppInstance, clock: Clock): () => Promise<void> {
  let start: Promise<void> | undefined;
  let settled = false;
  let begun = 0;
  const begin = (): Promise<void> => {
    const current = hosted.start();
    start = current;
    settled = false;
    begun = clock.now();
    current.then(
      () => {
        if (start === current) settled = true;
      },
      () => {
        if (start === current) start = undefined;
      },
    );
    return current;
  };
  return async () => {
    const current = start && (settled || clock.now() - begun < hangingMs) ? start : begin();
    if (!(await endsWithin(clock, startMs, current)))
      throw new Error(`The app did not report its subscriptions within ${startMs} ms`);
    await current;
  };
}

/** No SHA-256 text, so that no token fits. */
const nobody = ["none"];

/** A serverless deployment has a public address: without a token in its settings it answers nobody, unless that is asked for. */
async function acceptedTokens(
  settings: Settings,
  hasJwt: boolean,
  log: Log,
): Promise<readonly string[]> {
  if (settings.apiTokens.length > 0) return Promise.all(settings.apiTokens.map(hashToken));
  if (settings.allowAnonymous || hasJwt) return [];
  log.warn(
    "Refusing every API call: set DAPR_API_TOKEN, or OUTRIGGER_ALLOW_ANONYMOUS=true to answer anyone",
  );
  return nobody;
}

function connectionOf({ appUrl }: Settings): NonNullable<App["connection"]> {
  if (appUrl === undefined)
    return { port: 443, protocol: "https", channelAddress: "service-binding" };
  const url = new URL(appUrl);
  const protocol = url.protocol === "https:" ? "https" : "http";
  return {
    port: url.port === "" ? (protocol === "https" ? 443 : 80) : Number(url.port),
    protocol,
    channelAddress: url.hostname,
  };
}

/** Parses resource texts; a document that cannot be read is left out with a warning, as Dapr does. */
export function readResources(texts: readonly NamedText[], log: Log): readonly Resource[] {
  return texts.flatMap(({ name, text }) => {
    const { documents, problems } = parseDocuments(text, name);
    for (const problem of problems) log.warn(problemText(problem));
    return documents;
  });
}

function readConfiguration(texts: readonly NamedText[], { env, log }: Platform): Configuration {
  const found: ConfigurationDocument[] = [];
  for (const { name, text } of texts) {
    const { configurations, problems } = parseConfigurations(text, name, env);
    for (const problem of problems) log.warn(problemText(problem));
    found.push(...configurations);
  }
  return mergeConfigurations(found);
}
