import { parseDuration } from "#core/util/duration.ts";
import type { Fields } from "./fields.ts";
import { type NameValue, readNameValues, readSecretStore } from "./name-value.ts";
import type { ResourceHead } from "./resource-head.ts";

export interface ComponentDocument extends ResourceHead {
  readonly kind: "Component";
  readonly spec: {
    readonly type: string;
    /** Empty means the first. */
    readonly version: string;
    readonly ignoreErrors: boolean;
    readonly initTimeoutMs: number;
    readonly metadata: readonly NameValue[];
  };
  readonly secretStore: string | undefined;
}
const defaultInitTimeoutMs = 5000;

export function readComponent(head: ResourceHead, fields: Fields): ComponentDocument {
  const spec = fields.fields("spec");
  const type = spec.required("type");
  if (type !== "" && !type.includes("."))
    spec.error("type", `is "${type}"; make it <category>.<name>, such as state.redis`);
  const component: ComponentDocument = {
    ...head,
    kind: "Component",
    spec: {
      type,
      version: spec.text("version") ?? "",
      ignoreErrors: spec.boolean("ignoreErrors") ?? false,
      initTimeoutMs: readTimeout(spec),
      metadata: readNameValues(spec, "metadata"),
    },
    secretStore: readSecretStore(fields),
  };
  spec.done();
  return component;
}

function readTimeout(spec: Fields): number {
  const text = spec.text("initTimeout");
  if (text === undefined || text === "") return defaultInitTimeoutMs;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  // Dapr: an initTimeout that it cannot read falls back to the default.
  spec.warn("initTimeout", `is "${text}", which is not a duration such as 30s; 5s is used`);
  return defaultInitTimeoutMs;
}
