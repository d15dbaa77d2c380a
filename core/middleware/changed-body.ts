import type { HeaderList, PlainRequest } from "#core/ports/platform.ts";
import { withoutHeaders } from "#core/util/header-list.ts";

const encoder = new TextEncoder();

/** Headers that fit a body which is not the one they came with. */
export function fittingHeaders(headers: HeaderList, body: PlainRequest["body"]): string[] {
  const out = withoutHeaders(headers, "content-length", "transfer-encoding");
  if (body === undefined) return out;
  if (body instanceof ReadableStream) out.push("transfer-encoding", "chunked");
  else
    out.push(
      "content-length",
      String(typeof body === "string" ? encoder.encode(body).length : body.length),
    );
  return out;
}
