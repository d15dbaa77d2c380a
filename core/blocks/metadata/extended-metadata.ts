import type { Alive, Part } from "#core/kernel/part.ts";

/** What `GET /v1.0/metadata` shows under `extended`; PUT adds to it. */
export interface ExtendedMetadata extends Alive {
  readonly entries: Map<string, string>;
}
export const extendedMetadata: Part<ExtendedMetadata> = {
  name: "metadata.extended",
  create: ({ extended }) => ({ entries: new Map(Object.entries(extended)) }),
};
