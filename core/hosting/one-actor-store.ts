import type { ComponentDocument } from "#core/resources/component.ts";
import { isTruthy } from "#core/util/truthy.ts";

/** A state store that would be the app's second for actors. */
export class SecondActorStoreError extends Error {
  override readonly name = "SecondActorStoreError";
}

interface Entries {
  readonly entries: ReadonlyMap<string, { readonly document: ComponentDocument }>;
}

/** The name of the state store that keeps the app's actors: the one that does, else the first that says so. */
export function chosenActorStore(
  documents: readonly ComponentDocument[],
  before: Entries | undefined,
): string | undefined {
  const marked = documents.filter(isMarked);
  const present = marked.find(({ name }) => {
    const entry = before?.entries.get(name);
    return entry !== undefined && isMarked(entry.document);
  });
  return (present ?? marked[0])?.name;
}

/** Why this document is not opened, in Dapr's words; `undefined`: it may be. */
export function secondActorStore(
  document: ComponentDocument,
  chosen: string | undefined,
  before: Entries | undefined,
): SecondActorStoreError | undefined {
  const { name } = document;
  if (chosen === undefined || name === chosen || !isMarked(document)) return undefined;
  return new SecondActorStoreError(
    before
      ? `${chosen} is already the actor state store, only one actor state store is allowed. The component will be applied if ${chosen} is removed`
      : `detected duplicate actor state store: ${chosen} and ${name}`,
  );
}

function isMarked({ spec }: ComponentDocument): boolean {
  if (!spec.type.startsWith("state.")) return false;
  const pair = spec.metadata.find(({ name }) => name.toLowerCase() === "actorstatestore");
  return typeof pair?.value === "string" && isTruthy(pair.value);
}
