import { messageOf } from "#core/errors/component-error.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { isRecord, jsonErrorText, jsonTypeOf } from "#core/util/json.ts";
import { lockError } from "./errors.ts";
import type { TryLock } from "./operations.ts";

/** Decodes `{resourceId, lockOwner, expiryInSeconds}` as protobuf reads JSON: snake case is taken too, null and nothing at all mean empty. */
export async function readRequest(input: HttpInput): Promise<TryLock> {
  const fields = await readFields(input);
  // Whatever store the body names, that of the path counts; but it has to be text.
  textOf(fields, "storeName", "store_name");
  return {
    store: input.param("store"),
    resource: textOf(fields, "resourceId", "resource_id"),
    owner: textOf(fields, "lockOwner", "lock_owner"),
    expirySeconds: int32Of(fields, "expiryInSeconds", "expiry_in_seconds"),
  };
}

type Fields = Readonly<Record<string, unknown>>;

async function readFields(input: HttpInput): Promise<Fields> {
  let body: string;
  try {
    body = await input.text();
  } catch (reason) {
    throw lockError("ERR_BODY_READ", `failed to read request body: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  if (body === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (reason) {
    throw malformed(jsonErrorText(body), reason);
  }
  if (!isRecord(value)) throw malformed(`a message is an object, not ${jsonTypeOf(value)}`);
  return value;
}

function fieldOf(fields: Fields, name: string, snake: string): unknown {
  const [value, other] = [name, snake].map((key) =>
    Object.hasOwn(fields, key) ? (fields[key] ?? undefined) : undefined,
  );
  if (value !== undefined && other !== undefined) throw malformed(`duplicate field "${snake}"`);
  return value ?? other;
}
function textOf(fields: Fields, name: string, snake: string): string {
  const value = fieldOf(fields, name, snake) ?? "";
  if (typeof value === "string") return value;
  throw malformed(`invalid value for string field ${name}: ${jsonTypeOf(value)}`);
}
/** A whole number of 32 bits; protobuf takes it in quotes as well. */
function int32Of(fields: Fields, name: string, snake: string): number {
  const value = fieldOf(fields, name, snake) ?? 0;
  const number =
    typeof value === "string" && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(value)
      ? Number(value)
      : value;
  if (typeof number === "number" && Math.trunc(number) === number && (number | 0) === number)
    return number;
  throw malformed(`invalid value for int32 field ${name}: ${JSON.stringify(value)}`);
}

function malformed(why: string, cause?: unknown): Error {
  return lockError("ERR_MALFORMED_REQUEST", `failed deserializing HTTP body: ${why}`, { cause });
}
