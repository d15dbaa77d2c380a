import { fromBase64, toBase64 } from "#core/util/base64.ts";
import type { GrpcWire } from "./grpc-wire.ts";
import { type HttpWire, jsonOf } from "./http-wire.ts";

export interface StateWrite {
  readonly key: string;
  /** As JSON. */
  readonly value?: unknown;
  readonly etag?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Only the first to write may. */
  readonly isFirstWrite?: boolean;
}
export interface StateRead {
  readonly value: unknown;
  readonly etag: string | undefined;
  /** When it will be gone, for a value with a time to live. */
  readonly ttlExpireTime: string | undefined;
}
export interface StateOperation {
  readonly operation: string;
  readonly request: StateWrite;
}
export interface StateApi {
  saveState(store: string, ...items: readonly StateWrite[]): Promise<void>;
  /** `undefined` for a key that is not there. */
  getState(store: string, key: string): Promise<StateRead | undefined>;
  /** Each key with its value, which is absent where the key is not there. */
  getBulkState(
    store: string,
    keys: readonly string[],
  ): Promise<ReadonlyArray<{ readonly key: string; readonly value: unknown }>>;
  deleteState(store: string, key: string, etag?: string): Promise<void>;
  transactState(store: string, operations: readonly StateOperation[]): Promise<void>;
}

export function stateOverHttp(http: HttpWire): StateApi {
  const path = (store: string, rest: string): string => `/v1.0/state/${store}${rest}`;
  return {
    saveState: async (store, ...items) =>
      void (await http.post(path(store, ""), items.map(httpItem))),
    getState: async (store, key) => {
      const response = await http.send("GET", path(store, `/${encodeURIComponent(key)}`));
      if (response.status === 204) return undefined;
      return {
        value: await response.json(),
        etag: response.headers.get("etag") ?? undefined,
        ttlExpireTime: response.headers.get("metadata.ttlExpireTime") ?? undefined,
      };
    },
    getBulkState: async (store, keys) => {
      const items = await jsonOf<ReadonlyArray<{ readonly key: string; readonly data?: unknown }>>(
        await http.post(path(store, "/bulk"), { keys }),
      );
      return (items ?? []).map(({ key, data }) => ({ key, value: data }));
    },
    deleteState: async (store, key, etag) =>
      void (await http.send("DELETE", path(store, `/${encodeURIComponent(key)}`), {
        headers: etag === undefined ? {} : { "if-match": etag },
      })),
    transactState: async (store, operations) =>
      void (await http.post(path(store, "/transaction"), {
        operations: operations.map(({ operation, request }) => ({
          operation,
          request: httpItem(request),
        })),
      })),
  };
}

function httpItem({ isFirstWrite, ...item }: StateWrite): object {
  return isFirstWrite ? { ...item, options: { concurrency: "first-write" } } : item;
}

/** A value as bytes: over gRPC the API does not look into them. */
interface Found {
  readonly data?: string;
  readonly etag?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function stateOverGrpc(grpc: GrpcWire): StateApi {
  return {
    saveState: async (storeName, ...items) =>
      void (await grpc.unary("SaveState", { storeName, states: items.map(grpcItem) })),
    getState: async (storeName, key) => {
      const { data, etag, metadata } = await grpc.unary<Found>("GetState", { storeName, key });
      if (data === undefined) return undefined;
      return { value: valueOf(data), etag, ttlExpireTime: metadata?.["ttlExpireTime"] };
    },
    getBulkState: async (storeName, keys) => {
      const { items = [] } = await grpc.unary<{
        readonly items?: ReadonlyArray<Found & { readonly key: string }>;
      }>("GetBulkState", { storeName, keys: [...keys] });
      return items.map(({ key, data }) => ({
        key,
        value: data === undefined ? undefined : valueOf(data),
      }));
    },
    deleteState: async (storeName, key, etag) =>
      void (await grpc.unary("DeleteState", { storeName, ...grpcItem({ key, etag }) })),
    transactState: async (storeName, operations) =>
      void (await grpc.unary("ExecuteStateTransaction", {
        storeName,
        operations: operations.map(({ operation, request }) => ({
          operationType: operation,
          request: grpcItem(request),
        })),
      })),
  };
}

function grpcItem({ key, value, etag, metadata, isFirstWrite }: StateWrite) {
  return {
    key,
    ...(value === undefined ? {} : { value: toBase64(JSON.stringify(value)) }),
    ...(etag === undefined ? {} : { etag: { value: etag } }),
    ...(metadata ? { metadata: { ...metadata } } : {}),
    ...(isFirstWrite ? { options: { concurrency: "CONCURRENCY_FIRST_WRITE" } } : {}),
  };
}
function valueOf(data: string): unknown {
  return JSON.parse(new TextDecoder().decode(fromBase64(data)));
}
