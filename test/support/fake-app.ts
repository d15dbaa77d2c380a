import type { App, Loaded } from "#core/kernel/app.ts";
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
export type FakeAppOptions = Partial<Omit<App, "component" | "has" | "loaded" | "limits">> & {
  readonly components?: readonly FakeComponent[];
  readonly maxBodyBytes?: number;
  /** What its parts are made with. */
  readonly owner?: Partial<PartOwner>;
};

/** An app as operations see it, made of what a test names; tracing is off and no token is asked for. */
export function fakeApp({
  components = [],
  maxBodyBytes = 4_194_304,
  owner = {},
  ...given
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
  return {
    namespace: "default",
    appId: "app",
    channel: undefined,
    connection: undefined,
    apiTokens: [],
    appToken: undefined,
    samplingRate: 0,
    trustDomain: "public",
    extended: new Map(),
    failed: [],
    httpEndpoints: new Map(),
    resiliencies: [],
    secretScope: () => undefined,
    subscriptions: [],
    part: createParts({ clock: fakeClock(), log: silent, releasesHeld: false, ...owner }).part,
    health: { waitingFor: new Set(), outbound: true },
    shutdown: () => {},
    ...given,
    limits: { maxBodyBytes },
    component: <K extends Kind>(kind: K, name: string) =>
      table.get(`${kind} ${name}`) as Loaded<K> | undefined,
    has: (kind) => components.some((each) => each.kind === kind),
    loaded: [...table.values()].map(({ name, type, version }) => ({
      name,
      type,
      version,
      capabilities: [],
    })),
  };
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
