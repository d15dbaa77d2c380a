import { permanentHeaders } from "#core/wire/http/permanent-headers.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { traceBin } from "#core/wire/grpc/trace-bin.ts";

/** Describes the HTTP message or its connection, and would disturb gRPC's own. */
const dropped: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "content-type",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const validName = /^[a-z0-9_.-]+$/;

/** Headers of an HTTP request as gRPC metadata: lower case, HTTP's own marked by `dapr-`, the trace in both spellings. */
export function toMetadata(headers: HeaderList): string[] {
  const out: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase();
    const value = headers[i + 1] as string;
    if (dropped.has(name) || !validName.test(name)) continue;
    out.push(permanentHeaders.has(name) ? `dapr-${name}` : name, bytesOf(value));
    if (name === "traceparent") out.push("grpc-trace-bin", traceBin(value));
  }
  return out;
}

/** gRPC asks for printable ASCII; bytes above that get through, and are the app's to read. */
function bytesOf(value: string): string {
  return value.replace(/[^\u0020-\u007e\u0080-\u00ff]/g, "?");
}
