import type { AppMetrics } from "./app-metrics.ts";

/** Verbs that are labels; any other is `UNKNOWN`. */
const verbs: ReadonlySet<string> = new Set([
  "GET",
  "PUT",
  "POST",
  "PATCH",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "CONNECT",
  "TRACE",
]);
export function verbLabel(method: string, { settings }: AppMetrics): string {
  if (settings.http.excludeVerbs) return "";
  return verbs.has(method) ? method : "UNKNOWN";
}
