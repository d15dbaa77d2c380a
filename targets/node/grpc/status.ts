import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { GrpcStatus } from "#core/wire/grpc/render-error.ts";

/** gRPC codes by the names that the specification gives them; the ones that a transport makes itself. */
export const code = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

const responseHeaders = {
  ":status": 200,
  "content-type": "application/grpc",
} as const satisfies OutgoingHttpHeaders;

/** The headers that a response starts with. */
export function openingHeaders(metadata: OutgoingHttpHeaders | undefined): OutgoingHttpHeaders {
  return metadata ? { ...responseHeaders, ...metadata } : responseHeaders;
}

/** A status as trailers. */
export function trailers({ code: status, message, details }: GrpcStatus): OutgoingHttpHeaders {
  const out: OutgoingHttpHeaders = { "grpc-status": String(status) };
  if (message !== "") out["grpc-message"] = percentEncoded(message);
  if (details) out["grpc-status-details-bin"] = Buffer.from(details).toString("base64");
  return out;
}

/** Ends a stream that has sent nothing yet. */
export function refuse(
  stream: ServerHttp2Stream,
  status: GrpcStatus,
  metadata?: OutgoingHttpHeaders,
): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) {
    stream.close();
    return;
  }
  if (!metadata) {
    stream.respond({ ...responseHeaders, ...trailers(status) }, { endStream: true });
    return;
  }
  // Clients take for response metadata only what comes before the trailers.
  stream.respond(openingHeaders(metadata), { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers(trailers(status)));
  stream.end();
}

/** Printable ASCII except "%" stays; everything else is its UTF-8 bytes in hexadecimal. */
export function percentEncoded(message: string): string {
  if (/^[ -$&-~]*$/.test(message)) return message;
  let out = "";
  for (const byte of Buffer.from(message, "utf8"))
    out +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return out;
}
