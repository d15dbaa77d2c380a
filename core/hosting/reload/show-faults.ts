import type { ExtendedMetadata } from "#core/blocks/metadata/extended-metadata.ts";
import type { ReloadFault } from "./documents.ts";

/** Under `extended` of the app's metadata; JSON text. */
const key = "outrigger.reload.errors";
const longest = 1024;

/** Lets the app's metadata say what of the last change is not in force, since when; or nothing where all of it is. */
export function showFaults(
  { entries }: ExtendedMetadata,
  faults: readonly ReloadFault[],
  now: number,
): void {
  if (faults.length === 0) {
    entries.delete(key);
    return;
  }
  const since = new Date(now).toISOString();
  const shown = faults
    .slice(0, 100)
    .map((fault) => ({ ...fault, reason: fault.reason.slice(0, longest), since }));
  entries.set(key, JSON.stringify(shown));
}
