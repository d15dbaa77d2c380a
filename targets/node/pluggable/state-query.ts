import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  QueriableStateStore,
  type QueryItem,
  type QueryRequestSchema,
  Sorting_Order,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/state_pb.js";
import type { CallOptions } from "#core/ports/component.ts";
import type { StateQuery, StateQueryItem, StateQueryResult } from "#core/ports/state-store.ts";
import type { Link } from "./link.ts";
import { bytesOf } from "./messages.ts";

/** Asks a component that offers the service. */
export async function query(
  link: Link,
  asked: StateQuery,
  options: CallOptions,
): Promise<StateQueryResult> {
  const { query: method } = QueriableStateStore.method;
  const { items, token, metadata } = await link.unary(method, requestOf(asked), options);
  return { results: items.map(resultOf), metadata, ...(token === "" ? {} : { token }) };
}

/** Dapr: each operand travels as JSON text in an Any that names no type. */
function requestOf(asked: StateQuery): MessageInitShape<typeof QueryRequestSchema> {
  const operands = Object.entries(asked.filter ?? {}).map(
    ([operator, operand]) => [operator, { value: bytesOf(JSON.stringify(operand)) }] as const,
  );
  return {
    query: {
      filter: Object.fromEntries(operands),
      sort: asked.sort.map(({ key, order }) => ({ key, order: Sorting_Order[order] })),
      pagination: { limit: BigInt(asked.page.limit ?? 0), token: asked.page.token ?? "" },
    },
    metadata: { ...asked.metadata },
  };
}

function resultOf({ key, data, etag, error }: QueryItem): StateQueryItem {
  return {
    key,
    value: data,
    ...(etag ? { etag: etag.value } : {}),
    ...(error === "" ? {} : { error }),
  };
}
