import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { httpStatusOf } from "#core/errors/status-codes.ts";
import { permanentHeaders } from "#core/wire/http/permanent-headers.ts";
import type { HeaderList, PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { splitTarget } from "#core/util/path.ts";
import {
  InvokeRequestSchema,
  InvokeResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/common/v1/common_pb.js";
import type { RpcAnswer, RpcError } from "./rpc.ts";

/** common.v1.HTTPExtension.Verb by name. */
const verbs: Readonly<Record<string, number>> = {
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  CONNECT: 6,
  OPTIONS: 7,
  TRACE: 8,
  PATCH: 9,
};

/** A service invocation as `OnInvoke` takes it. */
export function invokeRequest(request: PlainRequest, body: Uint8Array): Uint8Array {
  const { path, query } = splitTarget(request.path);
  return toBinary(
    InvokeRequestSchema,
    create(InvokeRequestSchema, {
      method: decoded(path.slice(1)),
      contentType: valueOf(request.headers, "content-type") ?? "",
      data: {
        typeUrl: request.dataTypeUrl ?? "",
        value: body as Uint8Array<ArrayBuffer>,
      },
      httpExtension: { verb: verbs[request.method] ?? 0, querystring: query },
    }),
  );
}

/** What the app answered, as an HTTP response. */
export function invokeAnswer({ message, metadata }: RpcAnswer): PlainResponse {
  const { data, contentType } = fromBinary(InvokeResponseSchema, message);
  const headers = headersOf(metadata);
  if (contentType !== "") headers.push("content-type", contentType);
  return {
    status: 200,
    headers,
    body: data?.value ?? new Uint8Array(0),
    ...(data?.typeUrl ? { dataTypeUrl: data.typeUrl } : {}),
  };
}

/** A status that is not OK: its HTTP counterpart, and the status as JSON. */
export function invokeFailure({ code, message, details, metadata }: RpcError): PlainResponse {
  return {
    status: httpStatusOf(code),
    headers: [...headersOf(metadata), "content-type", "application/json"],
    body: JSON.stringify({ code, message, details: [] }),
    rpcStatus: details ? { code, message, details } : { code, message },
  };
}

const transport: ReadonlySet<string> = new Set(["content-type", "date", "trailer", "connection"]);
function headersOf(metadata: HeaderList): string[] {
  const out: string[] = [];
  for (let i = 0; i < metadata.length; i += 2) {
    const name = metadata[i] as string;
    if (name.startsWith(":") || name.startsWith("grpc-") || transport.has(name)) continue;
    out.push(permanentHeaders.has(name) ? `dapr-${name}` : name, metadata[i + 1] as string);
  }
  return out;
}

function valueOf(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if ((headers[i] as string).toLowerCase() === name) return headers[i + 1];
  return undefined;
}
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
