import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type DeleteRequestSchema,
  type GetRequestSchema,
  type SetRequestSchema,
  StateOptions_StateConcurrency as Concurrency,
  StateOptions_StateConsistency as Consistency,
  type TransactionalStateOperationSchema,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/state_pb.js";
import type { StateDelete, StateOp, StatePut, StateRead } from "#core/ports/state-store.ts";
import { bytesOf } from "./messages.ts";

export function getRequest(read: StateRead): MessageInitShape<typeof GetRequestSchema> {
  const { key, metadata } = read;
  return { key, metadata: { ...metadata }, consistency: consistencyOf(read) };
}
export function setRequest(put: StatePut): MessageInitShape<typeof SetRequestSchema> {
  return {
    ...common(put),
    value: bytesOf(put.value),
    contentType: put.metadata["contentType"] ?? "",
  };
}
export function deleteRequest(removal: StateDelete): MessageInitShape<typeof DeleteRequestSchema> {
  return common(removal);
}
export function changeRequest(
  op: StateOp,
): MessageInitShape<typeof TransactionalStateOperationSchema> {
  return op.op === "put"
    ? { request: { case: "set", value: setRequest(op) } }
    : { request: { case: "delete", value: deleteRequest(op) } };
}

function common({ key, etag, metadata, concurrency, ...op }: StateOp) {
  return {
    key,
    metadata: { ...metadata },
    options: {
      concurrency: concurrencies[concurrency ?? ""] ?? Concurrency.CONCURRENCY_UNSPECIFIED,
      consistency: consistencyOf(op),
    },
    // An empty etag counts as none.
    ...(etag ? { etag: { value: etag } } : {}),
  };
}
function consistencyOf({ consistency }: Pick<StateRead, "consistency">): Consistency {
  return consistencies[consistency ?? ""] ?? Consistency.CONSISTENCY_UNSPECIFIED;
}
const concurrencies: Readonly<Record<string, Concurrency>> = {
  "first-write": Concurrency.CONCURRENCY_FIRST_WRITE,
  "last-write": Concurrency.CONCURRENCY_LAST_WRITE,
};
const consistencies: Readonly<Record<string, Consistency>> = {
  eventual: Consistency.CONSISTENCY_EVENTUAL,
  strong: Consistency.CONSISTENCY_STRONG,
};
