import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Loaded } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { ApiError, type ApiErrorOptions } from "#core/errors/api-error.ts";
import { inItsWords } from "#core/errors/component-answer.ts";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { Metadata } from "#core/ports/component.ts";
import type {
  StateDelete,
  StateItem,
  StateOp,
  StatePut,
  StateStore,
} from "#core/ports/state-store.ts";
import { etagText } from "./etag.ts";
import { stateError, stateResource } from "./errors.ts";
import { storedKey } from "./keys.ts";
import type { Outbox } from "#core/kernel/outbox.ts";
import { transactWithOutbox } from "./outbox.ts";
import { stateFacts } from "./facts.ts";

export interface GetState {
  readonly store: string;
  readonly key: string;
  readonly consistency?: string;
}
export const getState: Operation<GetState, StateItem | undefined> = defineOperation(
  "state.get",
  stateFacts("GetState", "get"),
  async (call, { store, key, consistency }) => {
    const { port, keyPrefix } = storeOf(call, store);
    const stored = storedKey(store, keyPrefix, key);
    try {
      const items = await port.read(
        [{ key: stored, metadata: call.metadata, ...asked(consistency) }],
        call,
      );
      return items[0];
    } catch (reason) {
      const message = `fail to get ${key} from state store ${store}: ${messageOf(reason)}`;
      throw inItsWords(stateError("ERR_STATE_GET", message, { cause: reason }), reason);
    }
  },
);

export interface BulkGetState {
  readonly store: string;
  readonly keys: readonly string[];
  readonly metadata: Metadata;
}
export interface BulkStateItem {
  readonly key: string;
  readonly item?: StateItem | undefined;
  readonly error?: string;
}
export const bulkGetState: Operation<BulkGetState, readonly BulkStateItem[]> = defineOperation(
  "state.bulk_get",
  { ...stateFacts("GetBulkState", "bulk_get"), entries: ({ keys }) => keys.length },
  async (call, { store, keys, metadata }) => {
    const { port, keyPrefix } = storeOf(call, store);
    const reads = keys.map((key) => ({ key: storedKey(store, keyPrefix, key), metadata }));
    if (reads.length === 0) return [];
    try {
      const items = await port.read(reads, call);
      return keys.map((key, i) => ({ key, item: items[i] }));
    } catch (failure) {
      if (ComponentError.is(failure) && failure.answer)
        throw inItsWords(stateError("ERR_STATE_BULK_GET", failure.message), failure);
      // One bad key must not hide the others: read each for itself.
      return Promise.all(
        reads.map(async (read, i) => {
          const key = keys[i] as string;
          try {
            return { key, item: (await port.read([read], call))[0] };
          } catch (reason) {
            return { key, error: messageOf(reason) };
          }
        }),
      );
    }
  },
);

/** A change as it came over the wire, its key not yet prefixed, its options not yet checked. */
export type AskedPut = Omit<StatePut, "op" | "concurrency" | "consistency"> & AskedOptions;
export type AskedDelete = Omit<StateDelete, "op" | "concurrency" | "consistency"> & AskedOptions;
interface AskedOptions {
  readonly concurrency?: string | undefined;
  readonly consistency?: string | undefined;
}

export interface SaveState {
  readonly store: string;
  readonly items: readonly AskedPut[];
}
export const saveState: Operation<SaveState, void> = defineOperation(
  "state.set",
  { ...stateFacts("SaveState", "set"), entries: ({ items }) => items.length },
  async (call, { store, items }) => {
    const { port, keyPrefix } = storeOf(call, store);
    const keys = items.map((item) => {
      if (item.key === "") throw stateError("ERR_MALFORMED_REQUEST", '"key" is a required field');
      return storedKey(store, keyPrefix, item.key);
    });
    const put = (item: AskedPut, i: number): StatePut => {
      return { ...item, op: "put", key: keys[i] as string, ...checkedOptions(item) };
    };
    if (port.writeMany && items.length > 1) {
      try {
        return await port.writeMany(items.map(put), call);
      } catch (reason) {
        throw saveError(store, [reason], false);
      }
    }
    const failures: unknown[] = [];
    await Promise.all(
      items.map(async (item, i) => {
        try {
          await port.write(put(item, i), call);
        } catch (reason) {
          failures.push(reason);
        }
      }),
    );
    if (failures.length > 0) throw saveError(store, failures, items.length > 1);
  },
);

function saveError(store: string, failures: readonly unknown[], several: boolean): ApiError {
  const failure = failures.find(isEtagError) ?? failures[0];
  const text = several ? failures.map(failureText).join("\n") : failureText(failure);
  const nested = several && isEtagError(failure) ? etagText(failure.kind, text) : text;
  const message = `failed saving state in state store ${store}: ${nested}`;
  const cause = { cause: failure };
  if (!isEtagError(failure))
    return inItsWords(stateError("ERR_STATE_SAVE", message, cause), failure);
  return failure.kind === "etag-mismatch"
    ? stateError("SAVE_ETAG_MISMATCH", message, cause)
    : stateError("SAVE_ETAG_INVALID", message, cause);
}

export interface DeleteState {
  readonly store: string;
  readonly item: AskedDelete;
}
export const deleteState: Operation<DeleteState, void> = defineOperation(
  "state.delete",
  stateFacts("DeleteState", "delete"),
  async (call, { store, item }) => {
    const { port, keyPrefix } = storeOf(call, store);
    const key = storedKey(store, keyPrefix, item.key);
    try {
      await port.write({ ...item, op: "delete", key, ...checkedOptions(item) }, call);
    } catch (reason) {
      const message = `failed deleting state with key ${item.key}: ${failureText(reason)}`;
      const cause = { cause: reason };
      if (!isEtagError(reason))
        throw inItsWords(stateError("ERR_STATE_DELETE", message, cause), reason);
      throw reason.kind === "etag-mismatch"
        ? stateError("DELETE_ETAG_MISMATCH", message, cause)
        : stateError("DELETE_ETAG_INVALID", message, cause);
    }
  },
);

export interface TransactState {
  readonly store: string;
  readonly operations: ReadonlyArray<
    | { readonly op: "put"; readonly item: AskedPut }
    | { readonly op: "delete"; readonly item: AskedDelete }
  >;
}
export const transactState: Operation<TransactState, void> = defineOperation(
  "state.transaction",
  {
    ...stateFacts("ExecuteStateTransaction", "transaction"),
    entries: ({ operations }) => operations.length,
  },
  async (call, { store, operations }) => {
    const { port, keyPrefix, outbox } = transactionalStoreOf(call, store);
    if (operations.length === 0) return;
    const limit = await port.maxTransactionOperations?.(call);
    if (limit !== undefined && operations.length > limit)
      throw tooMany(store, operations.length, limit);
    const keys = operations.map(({ item }) => storedKey(store, keyPrefix, item.key));
    try {
      const ops = operations.map(
        ({ op, item }, i) => ({ ...item, op, key: keys[i], ...checkedOptions(item) }) as StateOp,
      );
      await (outbox ? transactWithOutbox(outbox, ops, call) : port.transact(ops, call));
    } catch (reason) {
      if (ApiError.is(reason)) throw reason;
      throw stateError(
        "ERR_STATE_TRANSACTION",
        `error while executing state transaction: ${failureText(reason)}`,
        { cause: reason },
      );
    }
  },
);

/** The store of that name, or the documented refusal. */
export function storeOf(call: Call, name: string): Loaded<"state"> {
  const store = call.app.component("state", name);
  if (store) return store;
  // Dapr: only the HTTP form names the app.
  const refusal = (reason: string): ApiErrorOptions => {
    const info = { type: "ErrorInfo", reason } as const;
    return {
      details: [{ ...info, metadata: { appID: call.app.appId } }],
      overGrpc: { details: [{ ...info, metadata: null }] },
    };
  };
  const failure = whyNotStarted(call.app, "state", name);
  if (!call.app.components.has("state"))
    throw stateError(
      "ERR_STATE_STORE_NOT_CONFIGURED",
      failure ?? `state store ${name} is not configured`,
      refusal("DAPR_STATE_NOT_CONFIGURED"),
    );
  throw stateError(
    "ERR_STATE_STORE_NOT_FOUND",
    failure ?? `state store ${name} is not found`,
    refusal("DAPR_STATE_NOT_FOUND"),
  );
}

export function transactionalStoreOf(
  call: Call,
  name: string,
): {
  readonly port: StateStore & Required<Pick<StateStore, "transact">>;
  readonly keyPrefix: string;
  readonly outbox?: Outbox;
} {
  const store = storeOf(call, name);
  if (!store.port.transact)
    throw stateError(
      "TRANSACTIONS_NOT_SUPPORTED",
      `state store ${name} doesn't support transactions`,
      {
        details: [
          {
            type: "Help",
            links: [
              {
                description: "Check the list of state stores and the features they support",
                url: "https://docs.dapr.io/reference/components-reference/supported-state-stores/",
              },
            ],
          },
          stateResource(name),
          { type: "ErrorInfo", reason: "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED", metadata: null },
        ],
      },
    );
  return store as never;
}

function tooMany(store: string, count: number, limit: number): ApiError {
  return stateError(
    "ERR_STATE_STORE_TOO_MANY_TRANSACTIONS",
    `the transaction contains ${count} operations, which is more than what the state store supports: ${limit}`,
    {
      details: [
        stateResource(store),
        {
          type: "ErrorInfo",
          reason: "DAPR_STATE_TOO_MANY_TRANSACTIONS",
          metadata: {
            currentOpsTransaction: String(count),
            maxOpsPerTransaction: String(limit),
          },
        },
      ],
    },
  );
}

const concurrencies: ReadonlySet<string> = new Set(["", "first-write", "last-write"]);
const consistencies: ReadonlySet<string> = new Set(["", "strong", "eventual"]);

/** The options a store may rely on; what Dapr's stores refuse is refused here, in their words. */
export function checkedOptions(item: AskedOptions): CheckedOptions {
  const { concurrency = "", consistency = "" } = item;
  if (!concurrencies.has(concurrency))
    throw new ComponentError("rejected", `unrecognized concurrency model '${concurrency}'`);
  if (!consistencies.has(consistency))
    throw new ComponentError("rejected", `unrecognized consistency model '${consistency}'`);
  return { concurrency, consistency } as CheckedOptions;
}
/** Empty text counts as absent; the types have no name for it. */
type CheckedOptions = Required<Pick<StatePut, "concurrency" | "consistency">>;
function asked(consistency: string | undefined): object {
  return consistency === "strong" || consistency === "eventual" ? { consistency } : {};
}

function isEtagError(
  reason: unknown,
): reason is ComponentError & { readonly kind: "etag-mismatch" | "etag-invalid" } {
  return (
    ComponentError.is(reason) && (reason.kind === "etag-mismatch" || reason.kind === "etag-invalid")
  );
}
function failureText(reason: unknown): string {
  return isEtagError(reason) ? etagText(reason.kind, reason.message) : messageOf(reason);
}
