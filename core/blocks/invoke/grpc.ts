import { ApiError } from "#core/errors/api-error.ts";
import { errorOfHttpStatus, httpStatusOf } from "#core/errors/status-codes.ts";
import type { GrpcInput } from "#core/wire/grpc/input.ts";
import type { RequestOf, ResponseInit } from "#core/wire/grpc/rpcs.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { encodeQuery } from "#core/util/path.ts";
import { type Operation, variantOf } from "#core/kernel/operation.ts";
import type { HeaderList, PlainResponse } from "#core/ports/platform.ts";
import { collect } from "#core/util/bounded-read.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { invokeFailed } from "./errors.ts";
import { permanentHeaders } from "#core/wire/http/permanent-headers.ts";
import { type Invoke, invocation } from "./operations.ts";

/** common.v1.HTTPExtension.Verb by number; 0 is "none", which no call to an HTTP app can use. */
const verbs = ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/** An app's answer, its body read. */
interface Answered extends Pick<PlainResponse, "dataTypeUrl" | "rpcStatus"> {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Uint8Array;
}

/** `InvokeService`, the call that Dapr has deprecated in favour of proxying but the SDKs still make. */
export function invokeGrpc(routes: GrpcRoutes, services: RuntimeServices): void {
  const invoke = services.part(invocation);
  const whole: Operation<Invoke, Answered> = variantOf(invoke, async (call, input) => {
    const { body, ...rest } = await invoke.run(call, input);
    try {
      const bytes =
        body instanceof ReadableStream
          ? await collect(body, call.app.limits.maxBodyBytes)
          : bytesOf(body ?? "");
      return { ...rest, body: bytes };
    } catch (reason) {
      throw invokeFailed(input.id, messageOf(reason), reason);
    }
  });
  routes.unary("InvokeService", whole, read, write);
}

function read({ id, message }: RequestOf<"InvokeService">, input: GrpcInput): Invoke {
  const verb = verbs[message?.httpExtension?.verb ?? 0] ?? "";
  if (!message) return { id, method: "", verb, query: "", headers: [] };
  const body = message.data?.value;
  const call = {
    id,
    method: message.method,
    verb,
    query: queryOf(id, message.httpExtension?.querystring ?? ""),
    headers: requestHeaders(input.headers(), message.contentType, body?.length ?? 0),
  };
  const typed = message.data?.typeUrl ? { ...call, dataTypeUrl: message.data.typeUrl } : call;
  return body && body.length > 0 ? { ...typed, body } : typed;
}

function queryOf(id: string, given: string): string {
  const query = encodeQuery(given);
  // Dapr's words, which are Go's.
  if (query === undefined) throw invokeFailed(id, "net/url: invalid control character in URL");
  return query;
}

/** gRPC metadata as HTTP headers: what belongs to gRPC itself is marked, what describes the message is written anew. */
function requestHeaders(metadata: HeaderList, contentType: string, length: number): string[] {
  const out: string[] = [];
  for (let i = 0; i < metadata.length; i += 2) {
    const name = metadata[i] as string;
    if (name === "content-type" || name === "content-length" || name.endsWith("-bin")) continue;
    const reserved = name.startsWith(":") || name.startsWith("grpc-");
    // A pseudo-header's colon cannot be written in HTTP/1.
    out.push(reserved ? `dapr-${name.replace(/^:/, "")}` : name, metadata[i + 1] as string);
  }
  if (contentType !== "") out.push("content-type", contentType);
  else if (length > 0) out.push("content-type", "application/json");
  return out;
}

function write(answer: Answered, input: GrpcInput): ResponseInit<"InvokeService"> {
  const { status, headers, body } = answer;
  let contentType = "";
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    if (name === "content-type") contentType = value;
    if (name === "traceparent" || name === "tracestate") continue;
    input.setHeader(permanentHeaders.has(name) ? `dapr-${name}` : name, value);
  }
  // An app that speaks gRPC has a status of its own, which goes back as it came.
  if (answer.rpcStatus) throw grpcStatusError(answer.rpcStatus);
  input.setHeader("dapr-http-status", String(status));
  if (status < 200 || status > 299) throw errorOfHttpStatus(status, decoder.decode(body));
  const value = body as Uint8Array<ArrayBuffer>;
  return { contentType, data: { value, typeUrl: answer.dataTypeUrl ?? "" } };
}
const decoder = new TextDecoder();

function grpcStatusError({ code, message, details }: NonNullable<PlainResponse["rpcStatus"]>) {
  return new ApiError("ERR_DIRECT_INVOKE", { http: httpStatusOf(code), grpc: code }, message, {
    overGrpc: details ? { status: details } : {},
  });
}
