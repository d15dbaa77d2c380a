import { ComponentError } from "#core/errors/component-error.ts";
import { statusText } from "#core/errors/status-codes.ts";
import type { BindingData, OutputBinding } from "#core/ports/bindings.ts";
import type { CallOptions, Metadata } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Clock, PlainResponse, SendOutside } from "#core/ports/platform.ts";
import { senderOf } from "#core/outbound/send.ts";
import { collect, TooLargeError } from "#core/util/bounded-read.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { headerOf } from "#core/util/header-list.ts";
import { textOfBytes } from "#core/util/header-value.ts";
import { failureOf } from "./failure.ts";
import { follow } from "./follow.ts";
import { requestHeaders } from "./request-headers.ts";
import { readSettings, type Settings } from "./settings.ts";

const operations = ["create", "get", "head", "post", "put", "patch", "delete", "options", "trace"];
const withBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

export async function open(spec: ComponentSpec, host: Host): Promise<OutputBinding> {
  const { clock } = host;
  const settings = readSettings(spec);
  const send = senderFor(settings, host);
  return {
    operations,
    invoke: (operation, request, options) =>
      invoke(settings, send, clock, operation, request, options),
    [Symbol.asyncDispose]: async () => {},
  };
}

function senderFor({ tls }: Settings, host: Host): SendOutside {
  if (!tls) return senderOf(host);
  if (!host.sendWith)
    throw new Error("MTLSRootCA and MTLSClientCert need a platform with its own TLS");
  return host.sendWith(tls);
}

async function invoke(
  settings: Settings,
  send: SendOutside,
  clock: Clock,
  operation: string,
  { data, metadata }: BindingData,
  options: CallOptions,
): Promise<BindingData> {
  const method = operation === "create" ? "POST" : operation.toUpperCase();
  if (!operations.includes(operation))
    throw new ComponentError("unsupported", `invalid operation: ${operation}`);
  const hasBody = withBody.has(method);
  const url = urlOf(settings.url, metadata["path"]);
  const headers = requestHeaders(settings, metadata, method, hasBody);
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
    const response = await follow(send, url, sent, settings.securityHeader?.[0]);
    status = response.status;
    const isPacked = headers.get("accept-encoding") === "gzip" && isGzip(response);
    answered = metadataOf(response, isPacked);
    body = await readBody(response, isPacked, settings.maxBodyBytes, answered);
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

function isGzip({ headers, body }: PlainResponse): boolean {
  return body !== undefined && headerOf(headers, "content-encoding")?.toLowerCase() === "gzip";
}

async function readBody(
  { body }: PlainResponse,
  isPacked: boolean,
  limit: number,
  metadata: Metadata,
): Promise<Uint8Array> {
  try {
    return await collect(isPacked ? unpacked(body) : streamOf(body), limit);
  } catch (reason) {
    if (!(reason instanceof TooLargeError)) throw reason;
    throw new ComponentError(
      "rejected",
      `the answer is larger than maxResponseBodySize (${limit} bytes)`,
      { metadata },
    );
  }
}
function unpacked(body: PlainResponse["body"]): ReadableStream<Uint8Array> {
  const packed = streamOf(body) as ReadableStream<Uint8Array<ArrayBuffer>>;
  return packed.pipeThrough(new DecompressionStream("gzip"));
}
function streamOf(body: PlainResponse["body"]): ReadableStream<Uint8Array> {
  if (body instanceof ReadableStream) return body;
  return new ReadableStream({
    start: (controller) => {
      if (body !== undefined && body.length > 0) controller.enqueue(bytesOf(body));
      controller.close();
    },
  });
}

/** Headers of the answer by their names, those that came several times joined; then the status, which no header may hide. */
function metadataOf({ status, reason, headers }: PlainResponse, isPacked: boolean): Metadata {
  const out: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    if (name === "transfer-encoding" || name === "trailer") continue;
    // What describes the packed body is no longer true.
    if (isPacked && (name === "content-encoding" || name === "content-length")) continue;
    const key = canonical(name);
    const value = textOfBytes(headers[i + 1] as string);
    out[key] = Object.hasOwn(out, key) ? `${out[key]}, ${value}` : value;
  }
  out["statusCode"] = String(status);
  out["status"] = `${status} ${reason ?? statusText(status)}`.trimEnd();
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
