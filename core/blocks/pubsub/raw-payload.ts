import type { Metadata } from "#core/ports/component.ts";

const truthy: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const falsy: ReadonlySet<string> = new Set(["", "0", "f", "F", "FALSE", "false", "False"]);

/** Whether `rawPayload` asks for no envelope; throws with Dapr's text for what is not a boolean. */
export function isRawPayload(metadata: Metadata): boolean {
  const value = metadata["rawPayload"];
  if (value === undefined || falsy.has(value)) return false;
  if (truthy.has(value)) return true;
  throw new TypeError(`rawPayload value must be a valid boolean: actual is '${value}'`);
}
