import { ComponentError } from "#core/errors/component-error.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";
import type { CallOptions, Metadata } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Clock } from "#core/ports/platform.ts";
import { collect, TooLargeError } from "#core/util/bounded-read.ts";
import { failureOf } from "./failure.ts";
import { follow } from "./follow.ts";
import { requestHeaders } from "./request-headers.ts";
import { readSettings, type Settings } from "./settings.ts";

const operations = ["create", "get", "head", "post", "put", "patch", "delete", "options", "trace"];
const withBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

export async function open(spec: ComponentSpec, host: Host): Promise<OutputBinding> {
  const { clock } = host;
  const settings = readSettings(spec);
  const fetch = fetchFor(settings, host);
  return {
    operations,
    invoke: (operation, request, options) =>
      invoke(settings, fetch, clock, operation, request, options),
    [Symbol.asyncDispose]: async () => {},
  };
}

function fetchFor({ tls }: Settings, { fetch, fetchWith }: Host): typeof globalThis.fetch {
  if (!tls) return fetch;
  if (!fetchWith) throw new Error("MTLSRootCA and MTLSClientCert need a platform with its own TLS");
  return fetchWith(tls);
}

async function invoke(
  settings: Settings,
  fetch: typeof globalThis.fetch,
  clock: Clock,
  operation: string,
  { data, metadata }: BindingData,
  options: CallOptions,
): Promise<BindingData> {
  const method = operation === "create" ? "POST" : operation.toUpperCase();
  if (!operations.includes(operation))
    throw new ComponentError("unsupported", `invalid operation: ${operation}`);
  if (method === "TRACE")
    throw new ComponentError(
      "unsupported",
      "operation trace cannot be sent: the platform's fetch refuses this method",
    );
  const hasBody = withBody.has(method);
  const url = urlOf(settings.url, metadata["path"]);
  const headers = requestHeaders(settings, metadata, hasBody);
  using limit = timeLimit(clock, settings.timeoutMs, options);
  let status: number;
  let answered: Metadata;
  let body: Uint8Array;
  try {
    const sent = {
      method,
      headers,
      body: hasBody ? (data ?? "") : undefined,
      signal: limit.signal,
    };
    const response = await follow(fetch, url, sent, settings.securityHeader?.[0]);
    status = response.status;
    answered = metadataOf(response);
    body = await readBody(response, settings.maxBodyBytes, answered);
  } catch (reason) {
    throw failureOf(limit.late() ?? reason, method, url);
  }
  const strict = metadata["errorIfNot2XX"]
    ? isTruthy(metadata["errorIfNot2XX"])
    : settings.errorIfNot2XX;
  if (strict && (status < 200 || status > 299))
    throw new ComponentError("rejected", `received status code ${status}`, { metadata: answered });
  return { data: body, metadata: answered };
}

function urlOf(base: string, path: string | undefined): string {
  return path ? `${base.replace(/\/+$/, "")}/${path.replace(/^\/+/, "")}` : base;
}
function isTruthy(text: string): boolean {
  return /^(?:y|yes|true|t|on|1)$/i.test(text.trim());
}

async function readBody(
  { body }: Response,
  limit: number,
  metadata: Metadata,
): Promise<Uint8Array> {
  try {
    return await collect(body, limit);
  } catch (reason) {
    if (!(reason instanceof TooLargeError)) throw reason;
    throw new ComponentError(
      "rejected",
      `the answer is larger than maxResponseBodySize (${limit} bytes)`,
      { metadata },
    );
  }
}

/** Headers of the answer by their names, those that came several times joined; then the status, which no header may hide. */
function metadataOf(response: Response): Metadata {
  const out: Record<string, string> = {};
  // fetch has undone the encoding, so what describes the encoded body is no longer true.
  const decoded = response.headers.has("content-encoding");
  for (const [name, value] of response.headers) {
    if (name === "transfer-encoding" || name === "trailer") continue;
    if (decoded && (name === "content-encoding" || name === "content-length")) continue;
    const key = canonical(name);
    out[key] = Object.hasOwn(out, key) ? `${out[key]}, ${value}` : value;
  }
  out["statusCode"] = String(response.status);
  out["status"] = `${response.status} ${response.statusText}`.trimEnd();
  return out;
}

/** `Content-Type`, as Go spells header names; where they are map keys (gRPC) callers look them up like that. */
function canonical(name: string): string {
  return name.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

interface TimeLimit extends Disposable {
  readonly signal: AbortSignal;
  /** The reason once time is over. */
  late(): ComponentError | undefined;
}
function timeLimit(clock: Clock, ms: number | undefined, { signal }: CallOptions): TimeLimit {
  if (ms === undefined) return { signal, late: () => undefined, [Symbol.dispose]: () => {} };
  const over = new AbortController();
  const done = new AbortController();
  const reason = new ComponentError(
    "timeout",
    `no complete answer within ${ms} ms (responseTimeout)`,
  );
  clock.sleep(ms, { signal: done.signal }).then(
    () => over.abort(reason),
    () => {},
  );
  return {
    signal: AbortSignal.any([signal, over.signal]),
    late: () => (over.signal.aborted ? reason : undefined),
    [Symbol.dispose]: () => done.abort(),
  };
}
