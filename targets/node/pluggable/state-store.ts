import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import {
  type BulkStateItem,
  type Etag,
  type GetResponse,
  QueriableStateStore,
  StateStore as Service,
  TransactionalStateStore,
  TransactionalStoreMultiMaxSize,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/state_pb.js";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type {
  StateFeature,
  StateItem,
  StateOp,
  StateQuery,
  StateRead,
  StateStore,
} from "#core/ports/state-store.ts";
import { readFeatures } from "./features.ts";
import { within } from "#core/util/time-limit.ts";
import { type Endpoint, type Link, openLink } from "./link.ts";
import { query } from "./state-query.ts";
import { changeRequest, deleteRequest, getRequest, setRequest } from "./state-requests.ts";

/** A state store in another process. What it can do is what it says, and which services it has. */
export async function openStateStore(
  endpoint: Endpoint,
  spec: ComponentSpec,
  host: Host,
): Promise<StateStore> {
  const service = Service.method;
  const link = await openLink(endpoint, spec, host, (wire, properties, options) =>
    wire.unary(service.init, { metadata: { properties } }, options),
  );
  const features = await readFeatures(link, host, service.features);
  const transactional = features.includes("TRANSACTIONAL");
  let most: Promise<number | undefined> | undefined;
  const transactions: Pick<Required<StateStore>, "transact" | "maxTransactionOperations"> = {
    maxTransactionOperations: () => (most ??= largestTransaction(link, host, endpoint)),
    transact: async (ops, options) => {
      if (ops.length === 0) return;
      const request = { operations: ops.map(changeRequest), metadata: {} };
      await link.unary(TransactionalStateStore.method.transact, request, options);
    },
  };
  return {
    features: features as readonly StateFeature[],
    read: async (reads, options) => {
      if (reads.length === 0) return [];
      if (reads.length > 1) return readMany(link, reads, options);
      const answer = await link.unary(service.get, getRequest(reads[0] as StateRead), options);
      return [itemOf(answer)];
    },
    write: async (op, options) => {
      if (op.op === "put") await link.unary(service.set, setRequest(op), options);
      else await link.unary(service.delete, deleteRequest(op), options);
    },
    writeMany: async (ops, options) => {
      const items: readonly StateOp[] = ops;
      const puts = items.filter((op) => op.op === "put");
      const removals = items.filter((op) => op.op === "delete");
      if (puts.length > 0)
        await link.unary(service.bulkSet, { items: puts.map(setRequest), options: {} }, options);
      if (removals.length > 0) {
        const request = { items: removals.map(deleteRequest), options: {} };
        await link.unary(service.bulkDelete, request, options);
      }
    },
    ...(transactional ? transactions : {}),
    ...(endpoint.services.has(QueriableStateStore.typeName)
      ? { query: (asked: StateQuery, options: CallOptions) => query(link, asked, options) }
      : {}),
    ping: async (options) => void (await link.unary(service.ping, {}, options)),
    [Symbol.asyncDispose]: async () => link.close(),
  };
}

const limitMs = 5000;
/** Dapr: asked with the first transaction, once; a store that cannot say takes any. */
async function largestTransaction(
  link: Link,
  { clock, log }: Host,
  { services, name }: Endpoint,
): Promise<number | undefined> {
  if (!services.has(TransactionalStoreMultiMaxSize.typeName)) return undefined;
  const { multiMaxSize } = TransactionalStoreMultiMaxSize.method;
  try {
    const { maxSize } = await within(clock, limitMs, { signal: link.closed }, (options) =>
      link.unary(multiMaxSize, {}, options),
    );
    // Dapr: a component without a limit says so by a number below 1.
    return maxSize > 0n ? Number(maxSize) : undefined;
  } catch (reason) {
    log.warn(`Cannot ask state store ${name} for its largest transaction: ${messageOf(reason)}`);
    return undefined;
  }
}

/** One call, and the answers in the order of the questions: the component may give them in any. */
async function readMany(
  link: Link,
  reads: readonly StateRead[],
  options: CallOptions,
): Promise<ReadonlyArray<StateItem | undefined>> {
  const request = { items: reads.map(getRequest), options: {} };
  const { items } = await link.unary(Service.method.bulkGet, request, options);
  const found = new Map<string, StateItem | undefined>();
  for (const item of items) {
    if (item.error !== "") throw new ComponentError("rejected", item.error);
    found.set(item.key, itemOf(item));
  }
  return reads.map(({ key }) => found.get(key));
}

/** Dapr: no data means that nothing is stored; no stored value is empty. */
function itemOf({ data, etag, metadata }: GetResponse | BulkStateItem): StateItem | undefined {
  if (data.length === 0 && etag === undefined) return undefined;
  return { value: data, metadata, ...etagOf(etag) };
}
function etagOf(etag: Etag | undefined): { readonly etag?: string } {
  return etag === undefined ? {} : { etag: etag.value };
}
