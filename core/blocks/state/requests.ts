import { type Metadata, noMetadata } from "#core/ports/component.ts";
import { isRecord, jsonTypeOf, tooDeep } from "#core/util/json.ts";
import { stateError } from "./errors.ts";
import type { AskedDelete, AskedPut, TransactState } from "./operations.ts";

/** Decodes the JSON bodies of the state routes. What does not fit is refused as Go's decoder would. */

export function readItems(body: unknown, url: Metadata): readonly AskedPut[] {
  if (body === null) return [];
  if (!Array.isArray(body)) throw mismatch(body, "[]state.SetRequest");
  return body.map((item: unknown) => {
    const fields = record(item, "state.SetRequest");
    return put(fields, merged(fields["metadata"], url, "SetRequest"));
  });
}

export function readKeys(
  body: unknown,
  url: Metadata,
): { readonly keys: readonly string[]; readonly metadata: Metadata } {
  const fields = record(body, "http.BulkGetRequest");
  const keys = fields["keys"] ?? [];
  if (!Array.isArray(keys)) throw mismatch(keys, "[]string", "BulkGetRequest.keys");
  for (const key of keys)
    if (typeof key !== "string") throw mismatch(key, "string", "BulkGetRequest.keys");
  return { keys: keys as string[], metadata: merged(fields["metadata"], url, "BulkGetRequest") };
}

export function readTransaction(body: unknown, url: Metadata): TransactState["operations"] {
  const fields = record(body, "http.stateTransactionRequestBody");
  const operations = fields["operations"] ?? [];
  if (!Array.isArray(operations))
    throw mismatch(operations, "[]http.stateTransactionRequestBodyOperation");
  return operations.map((entry: unknown) => {
    const { operation, request } = record(entry, "http.stateTransactionRequestBodyOperation");
    if (operation !== "upsert" && operation !== "delete")
      throw stateError(
        "ERR_NOT_SUPPORTED_STATE_OPERATION",
        `operation type ${typeof operation === "string" ? operation : ""} not supported`,
      );
    const item = record(request ?? {}, "SetRequest");
    const metadata = merged(item["metadata"], url, "SetRequest");
    return operation === "upsert"
      ? { op: "put", item: put(item, metadata) }
      : { op: "delete", item: change(item, metadata) };
  });
}

function put(fields: Readonly<Record<string, unknown>>, metadata: Metadata): AskedPut {
  const value = fields["value"];
  return { ...change(fields, metadata), value: value === undefined ? "null" : encoded(value) };
}

/** Reading nested JSON takes no stack, writing it does. */
function encoded(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (reason) {
    throw stateError("ERR_MALFORMED_REQUEST", tooDeep, { cause: reason });
  }
}

function change(fields: Readonly<Record<string, unknown>>, metadata: Metadata): AskedDelete {
  const options = record(fields["options"] ?? {}, "state.SetStateOption");
  const etag = text(fields["etag"], "SetRequest.etag");
  const common = {
    key: text(fields["key"], "SetRequest.key") ?? "",
    metadata,
    concurrency: text(options["concurrency"], "SetStateOption.concurrency"),
    consistency: text(options["consistency"], "SetStateOption.consistency"),
  };
  return etag === undefined || etag === "" ? common : { ...common, etag };
}

/** URL metadata overrides an item's own of the same name. */
function merged(own: unknown, url: Metadata, of: string): Metadata {
  if (own === undefined || own === null) return url;
  const fields = record(own, "map[string]string");
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields))
    out[name] = text(value, `${of}.metadata`) ?? "";
  return url === noMetadata ? out : { ...out, ...url };
}

function text(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw mismatch(value, "string", field);
  return value;
}
function record(value: unknown, type: string): Readonly<Record<string, unknown>> {
  if (!isRecord(value)) throw mismatch(value, type);
  return value;
}
function mismatch(value: unknown, type: string, field?: string): Error {
  const where = field === undefined ? "value" : `struct field ${field}`;
  return stateError(
    "ERR_MALFORMED_REQUEST",
    `json: cannot unmarshal ${jsonTypeOf(value)} into Go ${where} of type ${type}`,
  );
}
