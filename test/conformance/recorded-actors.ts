import type { Played, Step } from "./player.ts";
import { compared, normalised } from "./player.ts";

/**
 * The recording's sidecars were another version, kept state in Redis, and were written in Go; an owner told its app
 * that it called itself (docs/deviations.md). Texts with quotes stand within JSON texts.
 */
const replacements: ReadonlyArray<readonly [RegExp, string]> = [
  [/1\.18\.3/g, "edge"],
  [/state\.redis/g, "state.in-memory"],
  [/TTL(\\*",\\*")KEYS_LIKE/g, "TTL$1DELETE_WITH_PREFIX$1KEYS_LIKE"],
  [
    /ERR user_script[^"\\]*/g,
    "state etag not match for key=app||Plain||a||k2: current=<uuid>, expect=999",
  ],
  [/failed to parse ttl from metadata: strconv.ParseInt/g, "strconv.Atoi"],
  [/Put \\*"http:[^ ]*: EOF/g, "other side closed"],
];
const remoteCaller: readonly [RegExp, string] = [
  /"dapr-caller-app-id":"app"/g,
  '"dapr-caller-app-id":"other"',
];

/** What was recorded, as a runtime records it that is ours, with a store in memory. */
export function asOurs<T>(step: T, isFromOther: boolean): T {
  let text = JSON.stringify(normalised(step));
  for (const [from, to] of isFromOther ? [...replacements, remoteCaller] : replacements)
    text = text.replace(from, to);
  return JSON.parse(text) as T;
}

/** A step of a scenario file, as `asOurs`. */
export function recordedStep(step: Played & { readonly request: Pick<Step, "via"> }): object {
  return comparedActors(asOurs(step, step.request.via === "other"));
}
/** Without when a value expires: Redis did not tell. */
export function comparedActors({ response, ...step }: Played): object {
  const { "metadata.ttlexpiretime": _, ...headers } = response.headers;
  return compared({ ...step, response: { ...response, headers } });
}
