import type { Metadata } from "#core/ports/component.ts";

const token = /^[\w!#$%&'*+.^`|~-]+$/;

export function isHeaderName(name: string): boolean {
  return token.test(name);
}

/** The pairs whose names can stand in a header; a component may name its metadata as it likes. */
export function headerNamesOf(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => token.test(name)));
}
