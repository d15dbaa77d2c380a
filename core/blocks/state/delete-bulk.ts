import { inItsWords } from "#core/errors/component-answer.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { StateDelete } from "#core/ports/state-store.ts";
import { etagText } from "./etag.ts";
import { stateError } from "./errors.ts";
import { storedKey } from "./keys.ts";
import { type AskedDelete, checkedOptions, storeOf } from "./operations.ts";
import { stateFacts } from "./facts.ts";

export interface DeleteBulkState {
  readonly store: string;
  readonly items: readonly AskedDelete[];
}

/** Each key for itself; what could be deleted is, also when another key fails. Only gRPC has it. */
export const deleteBulkState: Operation<DeleteBulkState, void> = defineOperation(
  "state.delete_bulk",
  { ...stateFacts("DeleteBulkState", "bulk_delete"), entries: ({ items }) => items.length },
  async (call, { store, items }) => {
    const { port, keyPrefix } = storeOf(call, store);
    const keys = items.map(({ key }) => storedKey(store, keyPrefix, key));
    const removal = (item: AskedDelete, i: number): StateDelete => {
      return { ...item, op: "delete", key: keys[i] as string, ...checkedOptions(item) };
    };
    if (port.writeMany && items.length > 1) {
      try {
        return await port.writeMany(items.map(removal), call);
      } catch (reason) {
        throw bulkError(store, [reason]);
      }
    }
    const failures: unknown[] = [];
    await Promise.all(
      items.map(async (item, i) => {
        try {
          await port.write(removal(item, i), call);
        } catch (reason) {
          failures.push(reason);
        }
      }),
    );
    if (failures.length > 0) throw bulkError(store, failures);
  },
);

function bulkError(store: string, failures: readonly unknown[]): Error {
  const kinds = failures.map((reason) => (ComponentError.is(reason) ? reason.kind : undefined));
  const message = `failed deleting state in state store ${store}: ${failures.map(textOf).join("\n")}`;
  const cause = { cause: failures[0] };
  if (kinds.includes("etag-mismatch"))
    return stateError("BULK_DELETE_ETAG_MISMATCH", message, cause);
  if (kinds.includes("etag-invalid")) return stateError("BULK_DELETE_ETAG_INVALID", message, cause);
  return inItsWords(stateError("ERR_STATE_BULK_DELETE", message, cause), failures[0]);
}
function textOf(reason: unknown): string {
  return ComponentError.is(reason) &&
    (reason.kind === "etag-mismatch" || reason.kind === "etag-invalid")
    ? etagText(reason.kind, reason.message)
    : messageOf(reason);
}
