import type { RequestOf } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type { Metadata } from "#core/ports/component.ts";
import { jsonErrorText, parseJson } from "#core/util/json.ts";
import { bytesOf } from "#core/util/bytes.ts";
import { deleteBulkState } from "./delete-bulk.ts";
import { stateError } from "./errors.ts";
import {
  type AskedDelete,
  type AskedPut,
  bulkGetState,
  deleteState,
  getState,
  saveState,
  storeOf,
  transactState,
  type TransactState,
} from "./operations.ts";
import { queryState } from "./query.ts";
import type { StateItem, StateQueryItem } from "#core/ports/state-store.ts";

/** The enums of common.v1.StateOptions; a number that is none of theirs counts as unspecified. */
const concurrencies = ["", "first-write", "last-write"] as const;
const consistencies = ["", "eventual", "strong"] as const;

type Item = RequestOf<"SaveState">["states"][number];
type Operation = RequestOf<"ExecuteStateTransaction">["operations"][number];

const nothing = (): object => ({});

export function stateGrpc(routes: GrpcRoutes): void {
  routes.unary(
    "GetState",
    getState,
    ({ storeName, key, consistency }) => ({
      store: storeName,
      key,
      consistency: consistencies[consistency] ?? "",
    }),
    (item) => (item ? found(item) : {}),
  );
  routes.unary(
    "GetBulkState",
    bulkGetState,
    ({ storeName, keys }, { metadata }) => ({ store: storeName, keys, metadata }),
    (items) => ({
      items: items.map(({ key, item, error }) =>
        item ? { key, ...found(item) } : { key, error: error ?? "" },
      ),
    }),
  );
  routes.unary(
    "SaveState",
    saveState,
    ({ storeName, states }, input) => {
      storeOf(input, storeName);
      return { store: storeName, items: states.map(saved) };
    },
    nothing,
  );
  routes.unary(
    "DeleteState",
    deleteState,
    (request) => ({ store: request.storeName, item: change(request) }),
    nothing,
  );
  routes.unary(
    "DeleteBulkState",
    deleteBulkState,
    ({ storeName, states }) => ({ store: storeName, items: states.map(change) }),
    nothing,
  );
  routes.unary(
    "ExecuteStateTransaction",
    transactState,
    ({ storeName, operations }, input) => {
      storeOf(input, storeName);
      return { store: storeName, operations: operations.map(transacted) };
    },
    nothing,
  );
  routes.unary(
    "QueryStateAlpha1",
    queryState,
    ({ storeName, query }) => ({ store: storeName, query }),
    ({ results, token, metadata }) =>
      results.length === 0
        ? {}
        : { results: results.map(queried), token: token ?? "", metadata: { ...metadata } },
  );
}

function found({ value, etag, metadata }: StateItem) {
  const out = { data: bytesOf(value), etag: etag ?? "" };
  return metadata ? { ...out, metadata: { ...metadata } } : out;
}

function queried({ key, value, etag, error }: StateQueryItem) {
  return { key, data: bytesOf(value), etag: etag ?? "", error: error ?? "" };
}

function saved(item: Item): AskedPut {
  if (item.key === "") throw stateError("EMPTY_KEY", "state key cannot be empty");
  return { ...change(item), value: valueOf(item.value, item.metadata) };
}

function transacted({ operationType, request }: Operation): TransactState["operations"][number] {
  if (operationType !== "upsert" && operationType !== "delete")
    throw stateError(
      "ERR_NOT_SUPPORTED_STATE_OPERATION",
      `operation type ${operationType} not supported`,
    );
  const item = request ?? { key: "", value: new Uint8Array(), metadata: {} };
  return operationType === "upsert"
    ? { op: "put", item: { ...change(item), value: item.value } }
    : { op: "delete", item: change(item) };
}

function change({
  key,
  metadata,
  etag,
  options,
}: Pick<Item, "key" | "metadata" | "etag" | "options">): AskedDelete {
  const common = {
    key,
    metadata,
    concurrency: concurrencies[options?.concurrency ?? 0] ?? "",
    consistency: consistencies[options?.consistency ?? 0] ?? "",
  };
  return etag ? { ...common, etag: etag.value } : common;
}

const decoder = new TextDecoder();
/** Bytes stay as they are; with the content type JSON they are stored as JSON is over HTTP. */
function valueOf(value: Uint8Array, metadata: Metadata): Uint8Array | string {
  if (metadata["contentType"] !== "application/json") return value;
  const text = decoder.decode(value);
  try {
    return JSON.stringify(parseJson(text));
  } catch (reason) {
    throw stateError("ERR_STATE_SAVE", jsonErrorText(text), { cause: reason });
  }
}
