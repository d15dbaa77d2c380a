import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { Secret, SecretStore } from "#core/ports/secret-store.ts";
import { secretError } from "./errors.ts";
import { isSecretAllowed } from "./scope.ts";
import { secretFacts } from "./facts.ts";

export interface GetSecret {
  readonly store: string;
  readonly key: string;
}
export const getSecret: Operation<GetSecret, Secret | undefined> = defineOperation(
  "secret.get",
  secretFacts("GetSecret", "get"),
  async (call, { store, key }) => {
    const port = storeOf(call, store);
    if (!isSecretAllowed(call.app.policies.secretScope(store), key))
      throw secretError(
        "ERR_PERMISSION_DENIED",
        `access denied by policy to get ${JSON.stringify(key)} from ${JSON.stringify(store)}`,
      );
    try {
      return await port.get(key, call.metadata, call);
    } catch (reason) {
      throw secretError(
        "ERR_SECRET_GET",
        `failed getting secret with key ${key} from secret store ${store}: ${messageOf(reason)}`,
        { cause: reason },
      );
    }
  },
);

export interface GetBulkSecret {
  readonly store: string;
}
export type BulkSecret = Readonly<Record<string, Secret>>;
/** Dapr: what the scope denies is left out, without a word. */
export const getBulkSecret: Operation<GetBulkSecret, BulkSecret> = defineOperation(
  "secret.get_bulk",
  secretFacts("GetBulkSecret", "bulk_get"),
  async (call, { store }) => {
    const port = storeOf(call, store);
    const scope = call.app.policies.secretScope(store);
    try {
      if (!port.list) throw new Error("this store cannot list its secrets; get them by name");
      const secrets = await port.list(call.metadata, call);
      return Object.fromEntries(
        Object.entries(secrets).filter(([name]) => isSecretAllowed(scope, name)),
      );
    } catch (reason) {
      throw secretError(
        "ERR_SECRET_GET",
        `failed getting secrets from secret store ${store}: ${messageOf(reason)}`,
        {
          cause: reason,
        },
      );
    }
  },
);

function storeOf({ app }: Call, store: string): SecretStore {
  const failure = whyNotStarted(app, "secretstores", store);
  if (!app.components.has("secretstores"))
    throw secretError(
      "ERR_SECRET_STORES_NOT_CONFIGURED",
      failure ?? "secret store is not configured",
    );
  const found = app.component("secretstores", store);
  if (found) return found.port;
  throw secretError(
    "ERR_SECRET_STORE_NOT_FOUND",
    failure ?? `failed finding secret store with key ${store}`,
  );
}
