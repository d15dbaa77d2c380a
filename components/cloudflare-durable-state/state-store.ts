import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { StateItem, StateOp, StateStore } from "#core/ports/state-store.ts";
import { expiryText, ttlSeconds } from "../_shared/ttl.ts";
import { optionsOf } from "#components/_shared/options.ts";
import { state } from "./manifest.ts";
import type { Change, StateRpc, StoredRow } from "./state-rpc.ts";

/** As much of a Durable Object namespace as is used. */
interface ObjectNamespace {
  getByName(name: string): StateRpc;
}

export async function open(spec: ComponentSpec, host: Host): Promise<StateStore> {
  const binding = optionsOf(spec, state.options).text("binding") as string;
  const namespace = host.binding(binding) as ObjectNamespace | undefined;
  if (typeof namespace?.getByName !== "function")
    throw new Error(
      `The Worker has no Durable Object binding "${binding}"; add it to durable_objects.bindings with class_name "StateObject"`,
    );
  // A stub belongs to the request that made it, so each call makes its own.
  const ask = async <T>(call: (object: StateRpc) => Promise<T>): Promise<T> => {
    try {
      return await call(namespace.getByName(`state-${spec.name}`));
    } catch (reason) {
      throw new ComponentError(
        "unavailable",
        `Durable Object did not answer: ${messageOf(reason)}`,
        {
          cause: reason,
        },
      );
    }
  };
  const change = async (ops: readonly StateOp[]): Promise<void> => {
    const changes = ops.map(changeOf);
    const refusal = await ask((object) => object.change(changes));
    if (refusal) throw new ComponentError(refusal.kind, refusal.message);
  };
  return {
    features: ["ETAG", "TTL"],
    read: async (reads) => {
      const rows = await ask((object) => object.read(reads.map(({ key }) => key)));
      return rows.map(itemOf);
    },
    write: (op) => change([op]),
    transact: change,
    deleteWithPrefix: (prefix) => ask((object) => object.deleteWithPrefix(prefix)),
    keysLike: (pattern) => ask((object) => object.keysLike(pattern)),
    [Symbol.asyncDispose]: async () => {},
  };
}

function changeOf(op: StateOp): Change {
  const checks = {
    key: op.key,
    ...(op.etag === undefined || op.etag === "" ? {} : { etag: op.etag }),
    insertOnly: op.concurrency === "first-write" && !op.etag,
  };
  if (op.op === "delete") return checks;
  const ttl = ttlSeconds(op.metadata);
  return {
    ...checks,
    value: op.value,
    ...(ttl !== undefined && ttl > 0 ? { ttlSeconds: ttl } : {}),
  };
}

function itemOf(row: StoredRow | null): StateItem | undefined {
  if (row === null) return undefined;
  return {
    value: row.value,
    etag: row.etag,
    ...(row.expires === undefined ? {} : { metadata: { ttlExpireTime: expiryText(row.expires) } }),
  };
}
