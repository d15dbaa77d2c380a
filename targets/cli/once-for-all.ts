/** Apps that share resources and a runtime report the same faults within moments. */
const sameMs = 10_000;
const mostTexts = 200;

/**
 * Returns false for a text that was reported for another app a moment ago. The same text for the
 * same app is news, because it has happened again.
 */
export function onceForAll(
  now: () => number = () => performance.now(),
): (appId: string | undefined, text: string) => boolean {
  const said = new Map<string, { readonly appId: string; readonly at: number }>();
  return (appId, text) => {
    if (appId === undefined) return true;
    const before = said.get(text);
    const at = now();
    if (before && before.appId !== appId && at - before.at < sameMs) return false;
    if (said.size >= mostTexts) said.clear();
    said.set(text, { appId, at });
    return true;
  };
}
