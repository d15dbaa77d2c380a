import type { IncomingHttpHeaders } from "node:http2";
import type { PlainResponse } from "#core/ports/platform.ts";

/**
 * What runtime processes say to each other, beside the call itself: HTTP/2, the caller's method, path, headers
 * and body as they are, and these.
 */
export const calleeAppId = "outrigger-callee-app-id";
export const calleeNamespace = "outrigger-callee-namespace";
/** On an answer that is the runtime's and not the app's: why the app was not called. */
export const refusal = "outrigger-refusal";

/** What an app that speaks gRPC said beside HTTP's terms, so that a gRPC caller gets it as it was. */
const rpcStatus = "outrigger-rpc-status";
const dataTypeUrl = "outrigger-data-type-url";
export const extras: ReadonlySet<string> = new Set([rpcStatus, dataTypeUrl]);

export function writeExtras({
  rpcStatus: status,
  dataTypeUrl: type,
}: Pick<PlainResponse, "rpcStatus" | "dataTypeUrl">): Record<string, string> {
  const out: Record<string, string> = {};
  if (status) {
    const details = status.details && Buffer.from(status.details).toString("base64");
    out[rpcStatus] = encodeURIComponent(JSON.stringify({ ...status, details }));
  }
  if (type !== undefined) out[dataTypeUrl] = encodeURIComponent(type);
  return out;
}

export function readExtras(
  headers: IncomingHttpHeaders,
): Pick<PlainResponse, "rpcStatus" | "dataTypeUrl"> {
  const type = headers[dataTypeUrl];
  const status = headers[rpcStatus];
  const typed = type === undefined ? {} : { dataTypeUrl: decodeURIComponent([type].flat().join()) };
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
