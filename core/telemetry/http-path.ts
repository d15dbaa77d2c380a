import { type PathMatcher, pathMatcher } from "./path-matching.ts";
import type { MetricSettings } from "#core/resources/metrics.ts";

/** The label `path` of a request's path. */
export type PathLabel = (path: string) => string;

/** Asked of every app; never too many to be labels. */
const fixed: ReadonlySet<string> = new Set([
  "/dapr/config",
  "/dapr/metrics",
  "/dapr/subscribe",
  "/healthz",
]);

/** How the settings want paths to be shown: the pattern that takes one, else nothing, or the path without its ids. */
export function pathLabels({
  increasedCardinality,
  pathMatching,
}: MetricSettings["http"]): PathLabel {
  const match = pathMatching.length > 0 ? pathMatcher(pathMatching) : undefined;
  const otherwise: PathLabel = increasedCardinality ? withoutIds : () => "";
  if (!match) return (path) => (fixed.has(path) ? path : otherwise(path));
  return (path) => (fixed.has(path) ? path : (matched(match, path) ?? otherwise(path)));
}

/** Dapr: a pattern may be written for the path as it comes, or for the one without ids. */
function matched(match: PathMatcher, path: string): string | undefined {
  const pattern = match(path);
  if (pattern !== undefined) return pattern;
  const plain = withoutIds(path);
  return plain === path ? undefined : match(plain);
}

/** A path without what differs from call to call: keys, ids, instances. Other paths stay as they are. */
export function withoutIds(given: string): string {
  if (given === "") return "";
  const path = oneSlash(given);
  if (!mayHoldIds(path)) return path;
  const parts = path.slice(1).split("/");
  // Dapr: what is sent to an app for its actors has no slash before it.
  if (parts[0] === "actors") return replaced(parts, 2, "{id}").join("/");
  switch (parts[1]) {
    case "state":
    case "secrets":
      return `/${parts.slice(0, 3).join("/")}`;
    case "actors":
      return parts.length < 5 ? path : `/${replaced(parts, 3, "{id}").slice(0, 5).join("/")}`;
    case "workflows":
      return parts.length < 4 ? path : `/${workflow(parts).join("/")}`;
    default:
      return path;
  }
}

/** A look at the first two segments, without cutting the path up: most have nothing to be left out. */
function mayHoldIds(path: string): boolean {
  const first = path.indexOf("/", 1);
  const second = first === -1 ? -1 : path.indexOf("/", first + 1);
  if (second === -1) return false;
  return path.startsWith("/actors/") || withIds.has(path.slice(first + 1, second));
}
const withIds: ReadonlySet<string> = new Set(["state", "secrets", "actors", "workflows"]);

function workflow(parts: readonly string[]): readonly string[] {
  const verb = parts[4] ?? "";
  // The name of a workflow stays, the id of an instance does not.
  if (parts.length === 5 && verb.startsWith("start")) return [...parts.slice(0, 4), "start"];
  const named = replaced(parts, 3, "{instanceId}");
  if (verb === "raiseEvent" && (parts[5] ?? "") !== "")
    return [...named.slice(0, 5), "{eventName}"];
  return named.slice(0, 5);
}

function replaced(parts: readonly string[], index: number, by: string): readonly string[] {
  return parts.map((part, i) => (i === index ? by : part));
}

/** With a slash before it and no doubled one. */
export function oneSlash(path: string): string {
  const merged = path.includes("//") ? path.replace(/\/{2,}/g, "/") : path;
  return merged.startsWith("/") ? merged : `/${merged}`;
}
