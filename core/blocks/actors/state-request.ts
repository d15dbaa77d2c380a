import { isRecord, jsonTypeOf } from "#core/util/json.ts";
import { malformed } from "./body.ts";
import type { ActorStateOp } from "./state.ts";

/** The operations of a POST to an actor's state. What is wrong with one of them is said when it is carried out, as in Dapr. */
export function readStateOps(body: unknown): readonly ActorStateOp[] {
  if (body === null) return [];
  if (!Array.isArray(body))
    throw malformed(
      `json: cannot unmarshal ${jsonTypeOf(body)} into Go value of type []api.TransactionalOperation`,
    );
  return body.map((entry: unknown) => {
    if (!isRecord(entry))
      throw malformed(
        `json: cannot unmarshal ${jsonTypeOf(entry)} into Go value of type api.TransactionalOperation`,
      );
    const { operation, request } = entry;
    const of = typeof operation === "string" ? operation : "";
    if (!isRecord(request)) return { operation: of, request: undefined };
    const { key, value, etag, metadata } = request;
    return {
      operation: of,
      request: {
        key: typeof key === "string" ? key : "",
        value: value === undefined ? "null" : JSON.stringify(value),
        ...(typeof etag === "string" ? { etag } : {}),
        metadata: isRecord(metadata) ? metadata : {},
      },
    };
  });
}
