import type { Metadata } from "#core/ports/component.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { headerValue, isHeaderName } from "#core/util/header-value.ts";
import { grpcContentType } from "./grpc-content-type.ts";

/** The headers of a call as the metadata of a request; several values of one header are joined. */
export function callMetadata(headers: HeaderList): Metadata {
  const metadata = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) {
    const given = headers[i] as string;
    const name = given === grpcContentType ? "content-type" : given;
    const value = headers[i + 1] as string;
    const before = metadata.get(name);
    metadata.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(metadata);
}

/** The metadata of an answer as headers. What cannot be a header is left out. */
export function metadataHeaders(metadata: Metadata): string[] {
  return Object.entries(metadata).flatMap(([name, value]) =>
    isHeaderName(name) ? [name, headerValue(value)] : [],
  );
}
