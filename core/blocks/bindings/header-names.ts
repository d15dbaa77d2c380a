import { isHeaderName } from "#core/util/header-value.ts";
import type { Metadata } from "#core/ports/component.ts";

/** The pairs whose names can stand in a header; a component may name its metadata as it likes. */
export function headerNamesOf(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => isHeaderName(name)));
}
