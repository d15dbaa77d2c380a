import { isRecord, jsonTypeOf } from "#core/util/json.ts";
import { jsonMembers, skipSpace } from "#core/util/json-members.ts";
import { type JsonBody, malformed } from "./body.ts";

/** The members of a timer's or reminder's body. */
export interface EntryBody {
  readonly dueTime: string;
  readonly period: string;
  readonly ttl: string;
  readonly callback: string;
  /** JSON text; `undefined`: it has none. */
  readonly data: string | undefined;
  /** `undefined`: it does not say. */
  readonly overwrite: boolean | undefined;
}

/** `of`: Dapr's name of the structure, for the refusal of a member of another type. */
export function readEntryBody(
  { value: body, text: source }: JsonBody,
  of: "createTimerAlias" | "createReminderAlias",
): EntryBody {
  if (body !== null && !isRecord(body))
    throw malformed(`json: cannot unmarshal ${jsonTypeOf(body)} into Go value of type api.${of}`);
  const from = body ?? {};
  const text = (name: string): string => {
    const value = from[name];
    if (value === undefined || value === null) return "";
    if (typeof value === "string") return value;
    throw malformed(
      `json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field .${of}.${name} of type string`,
    );
  };
  const overwrite = from["overwrite"];
  if (overwrite !== undefined && overwrite !== null && typeof overwrite !== "boolean")
    throw malformed(
      `json: cannot unmarshal ${jsonTypeOf(overwrite)} into Go struct field .${of}.overwrite of type bool`,
    );
  return {
    dueTime: text("dueTime"),
    period: text("period"),
    ttl: text("ttl"),
    callback: text("callback"),
    data: body === null ? undefined : dataIn(source),
    overwrite: overwrite ?? undefined,
  };
}

/** Dapr: the data are kept as they stand, blanks and all. Of repeated members the last counts. */
function dataIn(source: string): string | undefined {
  return jsonMembers(source, skipSpace(source, 0)).findLast(({ name }) => name === "data")?.text;
}
