const truthy: ReadonlySet<string> = new Set(["y", "yes", "true", "t", "on", "1"]);

/** Dapr's lenient yes, in any letter case; anything else is no. */
export function isTruthy(text: string): boolean {
  return truthy.has(text.trim().toLowerCase());
}
