import type { IncomingHttpHeaders } from "node:http2";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";

/**
 * What runtime processes say to each other, beside the call itself: HTTP/2, the caller's method, path, headers
 * and body as they are, and these.
 */
export const calleeAppId = "outrigger-callee-app-id";
export const calleeNamespace = "outrigger-callee-namespace";
/** On an answer that is the runtime's and not the app's: why the app was not called. */
export const refusal = "outrigger-refusal";

/** On an invocation whose body is of a gRPC type, and which is not a call of gRPC all the same. */
export const asHttp = "outrigger-as-http";
/** On a call whose caller named no verb, which HTTP cannot do without; only apps that speak gRPC can. */
export const withoutVerb = "outrigger-without-verb";

export function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.startsWith("application/grpc") === true;
}

/** Of the message that the body is, where a gRPC caller or an app that speaks gRPC named it. */
export const dataTypeUrl = "outrigger-data-type-url";
/** What an app that speaks gRPC said beside HTTP's terms, so that a gRPC caller gets it as it was. */
const rpcStatus = "outrigger-rpc-status";
/** The app's status, where it is none that Node's HTTP/2 knows: 600 to 999. */
const appStatus = "outrigger-status";
export const extras: ReadonlySet<string> = new Set([rpcStatus, dataTypeUrl, appStatus]);

type Extras = Pick<PlainResponse, "rpcStatus" | "dataTypeUrl"> & { readonly status?: number };

/** The status, and what HTTP/2 has no place for. */
export function writeExtras({
  status: http,
  rpcStatus: status,
  dataTypeUrl: type,
}: PlainResponse): Record<string, string> {
  const out: Record<string, string> = {};
  out[":status"] = String(http > 599 ? 200 : http);
  if (http > 599) out[appStatus] = String(http);
  if (status) {
    const details = status.details && Buffer.from(status.details).toString("base64");
    out[rpcStatus] = encodeURIComponent(JSON.stringify({ ...status, details }));
  }
  if (type !== undefined) out[dataTypeUrl] = encodeURIComponent(type);
  return out;
}

export function readDataType(headers: IncomingHttpHeaders): Pick<PlainRequest, "dataTypeUrl"> {
  const type = headers[dataTypeUrl];
  return type === undefined ? {} : { dataTypeUrl: decodeURIComponent([type].flat().join()) };
}

export function readExtras(headers: IncomingHttpHeaders): Extras {
  const status = headers[rpcStatus];
  const http = headers[appStatus];
  const typed = {
    ...(http === undefined ? {} : { status: Number(http) }),
    ...readDataType(headers),
  };
  if (status === undefined) return typed;
  const { code, message, details } = JSON.parse(decodeURIComponent([status].flat().join())) as {
    readonly code: number;
    readonly message: string;
    readonly details?: string;
  };
  const plain = { code, message };
  return {
    ...typed,
    rpcStatus:
      details === undefined ? plain : { ...plain, details: Buffer.from(details, "base64") },
  };
}
