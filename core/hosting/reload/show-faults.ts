import type { ReloadFault } from "./documents.ts";

/** Under `extended` of the app's metadata; JSON text. */
const key = "outrigger.reload.errors";
const longest = 1024;

/** Lets the app's metadata say what of the last change is not in force, since when; or nothing where all of it is. */
export function showFaults(
  { extended }: { readonly extended: Map<string, string> },
  faults: readonly ReloadFault[],
  now: number,
): void {
  if (faults.length === 0) {
    extended.delete(key);
    return;
  }
  const since = new Date(now).toISOString();
  const shown = faults
    .slice(0, 100)
    .map((fault) => ({ ...fault, reason: fault.reason.slice(0, longest), since }));
  extended.set(key, JSON.stringify(shown));
}
