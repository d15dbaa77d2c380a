import { type RouteResponse, json, metadataHeaders, noContent } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { type Metadata, noMetadata } from "#core/ports/component.ts";
import type { StateItem, StateQueryItem } from "#core/ports/state-store.ts";
import { jsonShape, readBody, readText } from "./body.ts";
import {
  type BulkStateItem,
  bulkGetState,
  deleteState,
  getState,
  saveState,
  storeOf,
  transactState,
} from "./operations.ts";
import { queryState } from "./query.ts";
import { readItems, readKeys, readTransaction } from "./requests.ts";

const write: readonly string[] = ["POST", "PUT"];
const decoder = new TextDecoder();

export function stateHttp(routes: HttpRoutes): void {
  routes.on(["GET"], "/v1.0/state/:store/:key", getState, readGet, writeItem);
  routes.on(
    write,
    "/v1.0/state/:store",
    saveState,
    async (input) => {
      const store = input.param("store");
      storeOf(input, store);
      return { store, items: readItems(await readBody(input), input.metadata) };
    },
    () => noContent,
  );
  routes.on(
    ["DELETE"],
    "/v1.0/state/:store/:key",
    deleteState,
    (input) => ({
      store: input.param("store"),
      item: {
        key: input.param("key"),
        metadata: input.metadata,
        concurrency: input.query("concurrency"),
        consistency: input.query("consistency"),
        ...etagOf(input),
      },
    }),
    () => noContent,
  );
  routes.on(
    write,
    "/v1.0/state/:store/bulk",
    bulkGetState,
    async (input) => {
      const store = input.param("store");
      storeOf(input, store);
      return { store, ...readKeys(await readBody(input), input.metadata) };
    },
    (items) => json(items.map(bulkItem)),
  );
  routes.on(
    write,
    "/v1.0/state/:store/transaction",
    transactState,
    async (input) => {
      const store = input.param("store");
      storeOf(input, store);
      return { store, operations: readTransaction(await readBody(input), input.metadata) };
    },
    () => noContent,
  );
  routes.on(
    write,
    "/v1.0-alpha1/state/:store/query",
    queryState,
    async (input) => {
      const store = input.param("store");
      storeOf(input, store);
      return { store, query: await readText(input) };
    },
    ({ results, token, metadata }) =>
      results.length === 0
        ? noContent
        : json({ results: results.map(queryItem), ...pageOf(token, metadata) }),
  );
}

function readGet(input: HttpInput): { store: string; key: string; consistency?: string } {
  const consistency = input.query("consistency");
  const read = { store: input.param("store"), key: input.param("key") };
  return consistency === undefined ? read : { ...read, consistency };
}
function etagOf(input: HttpInput): { etag?: string } {
  const etag = input.header("if-match");
  return etag === undefined || etag === "" ? {} : { etag };
}

function writeItem(item: StateItem | undefined): RouteResponse {
  if (!item || item.value.length === 0) return noContent;
  const headers: Record<string, string> = item.metadata ? metadataHeaders(item.metadata) : {};
  headers["content-type"] = "application/json";
  if (item.etag !== undefined) headers["etag"] = item.etag;
  return { status: 200, headers, body: item.value };
}

/** `data` is put in as the store has it; what is not valid JSON goes out as a string, where Dapr's whole answer would be empty. */
function bulkItem({ key, item, error }: BulkStateItem): object {
  if (error !== undefined) return { key, error };
  if (!item || item.value.length === 0) return { key };
  const text = typeof item.value === "string" ? item.value : decoder.decode(item.value);
  const out: Record<string, unknown> = { key, data: jsonShape(text) };
  if (item.etag !== undefined) out["etag"] = item.etag;
  if (item.metadata && item.metadata !== noMetadata) out["metadata"] = item.metadata;
  return out;
}

function queryItem({ key, value, etag, error }: StateQueryItem): object {
  const text = typeof value === "string" ? value : decoder.decode(value);
  const out: Record<string, unknown> = { key, data: text === "" ? null : jsonShape(text) };
  if (etag !== undefined && etag !== "") out["etag"] = etag;
  if (error !== undefined && error !== "") out["error"] = error;
  return out;
}
function pageOf(token: string | undefined, metadata: Metadata | undefined): object {
  const out: Record<string, unknown> = {};
  if (token !== undefined && token !== "") out["token"] = token;
  for (const _ in metadata) {
    out["metadata"] = metadata;
    break;
  }
  return out;
}
