import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import type {
  App,
  AppComponents,
  AppHealth,
  AppIdentity,
  AppTelemetry,
  Loaded,
} from "#core/kernel/app.ts";
import type { AppPolicies } from "#core/kernel/app-policies.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import { createParts, type PartOwner } from "#core/kernel/part.ts";
import { noMetadata, type Metadata } from "#core/ports/component.ts";
import type { Kind, Kinds } from "#core/ports/manifest.ts";
import type { AppChannel, Log, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { fakeClock } from "./fake-clock.ts";

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface FakeComponent<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly port: Kinds[K];
  readonly type?: string;
  /** Names in lower case, as a loader leaves them. */
  readonly metadata?: Metadata;
  readonly keyPrefix?: string;
}
/** Of an app, what a test names of it; wherever it stands there. */
export interface FakeAppOptions
  extends
    Partial<Pick<App, "appId" | "namespace" | "channel" | "connection" | "calls" | "shutdown">>,
    Partial<Omit<AppIdentity, "appId" | "namespace">>,
    Partial<AppPolicies>,
    Partial<Pick<AppTelemetry, "metrics" | "warnOnce">>,
    Partial<Pick<AppComponents, "failed">> {
  readonly components?: readonly FakeComponent[];
  readonly subscriptions?: readonly SubscriptionView[];
  readonly health?: AppHealth;
  readonly maxBodyBytes?: number;
  /** What its parts are made with. */
  readonly owner?: Partial<PartOwner>;
}

/** An app as operations see it, made of what a test names; tracing is off and no token is asked for. */
export function fakeApp({
  appId = "app",
  namespace = "default",
  channel,
  connection,
  calls,
  shutdown = () => {},
  components = [],
  failed = [],
  subscriptions = [],
  health = { waitingFor: new Set(), outbound: true },
  maxBodyBytes = 4_194_304,
  owner = {},
  apiTokens = [],
  appToken,
  badTokens,
  digest,
  verifyToken,
  trustDomain = "public",
  metrics,
  warnOnce,
  ...policies
}: FakeAppOptions = {}): App {
  const table = new Map<string, Loaded>();
  for (const {
    kind,
    name,
    port,
    type = `${kind}.fake`,
    metadata = noMetadata,
    keyPrefix = "",
  } of components)
    table.set(`${kind} ${name}`, { name, type, version: "v1", port, metadata, keyPrefix });
  const clock = owner.clock ?? fakeClock();
  const { part } = createParts({
    clock,
    log: silent,
    releasesHeld: false,
    extended: {},
    ...owner,
  });
  part(subscriptionViews).views = subscriptions;
  return {
    appId,
    namespace,
    clock,
    channel,
    connection,
    limits: { maxBodyBytes },
    identity: {
      appId,
      namespace,
      trustDomain,
      apiTokens,
      appToken,
      badTokens,
      digest,
      verifyToken,
    },
    policies: {
      samplingRate: 0,
      httpEndpoints: new Map(),
      resiliencies: [],
      secretScope: () => undefined,
      trustDomain,
      ...policies,
    },
    telemetry: { appId, namespace, metrics, warnOnce },
    health,
    components: {
      has: (kind) => components.some((each) => each.kind === kind),
      failed,
      loaded: [...table.values()].map(({ name, type, version }) => ({
        name,
        type,
        version,
        capabilities: [],
      })),
    },
    component: <K extends Kind>(kind: K, name: string) =>
      table.get(`${kind} ${name}`) as Loaded<K> | undefined,
    part,
    ...(calls ? { calls } : {}),
    shutdown,
  };
}

/** The app, subscribed to what those views show. */
export function subscribed(app: App, views: readonly SubscriptionView[]): App {
  app.part(subscriptionViews).views = views;
  return app;
}

/** What the app saw. */
export interface SeenCall {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: readonly string[];
  /** Texts and bytes go out as they are, the rest as JSON. */
  readonly body?: unknown;
}
/** A way to an app that keeps what went over it. */
export interface RecordingChannel extends AppChannel {
  readonly seen: readonly SeenCall[];
  /** The calls to one path. */
  to(path: string): readonly SeenCall[];
}

/** An app that answers as told; one that throws could not be reached. */
export function recordingChannel(
  answer: (call: SeenCall) => FakeAnswer | Promise<FakeAnswer> = () => ({}),
): RecordingChannel {
  const seen: SeenCall[] = [];
  return {
    seen,
    to: (path) => seen.filter((call) => call.path === path),
    send: async (request, { signal }) => {
      const call = await seenCall(request);
      signal.throwIfAborted();
      seen.push(call);
      const ended = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      ended.catch(() => {});
      return plainResponse(await Promise.race([answer(call), ended]));
    },
  };
}

async function seenCall({ method, path, headers, body }: PlainRequest): Promise<SeenCall> {
  const named: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    named[name] = name in named ? `${named[name]}, ${value}` : value;
  }
  return {
    method,
    path,
    headers: named,
    body:
      body === undefined ? "" : await new Response(body as NonNullable<RequestInit["body"]>).text(),
  };
}

const encoder = new TextEncoder();
function plainResponse({ status = 200, headers = [], body }: FakeAnswer): PlainResponse {
  if (body === undefined) return { status, headers };
  if (body instanceof Uint8Array || body instanceof ReadableStream)
    return { status, headers, body };
  return {
    status,
    headers,
    body: encoder.encode(typeof body === "string" ? body : JSON.stringify(body)),
  };
}
