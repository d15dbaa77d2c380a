import type { ErrorDetail } from "#core/errors/api-error.ts";
import type { AppRef } from "#core/ports/platform.ts";
import { stateError, stateResource } from "./errors.ts";

/** Stands between a prefix and a key; refused inside either. */
export const separator = "||";

/** What goes before an app's keys in a store, by the component's `keyPrefix`. Dapr: an unknown word is a literal prefix. */
export function keyPrefix(strategy: string | undefined, component: string, app: AppRef): string {
  const prefix = prefixText(strategy ?? "", component, app);
  if (prefix.includes(separator)) throw illegalKey(component, prefix);
  return prefix === "" ? "" : `${prefix}${separator}`;
}

function prefixText(strategy: string, component: string, app: AppRef): string {
  switch (strategy.toLowerCase()) {
    case "":
    case "appid":
      return app.appId;
    case "name":
      return component;
    case "namespace":
      return app.namespace === "" ? app.appId : `${app.namespace}.${app.appId}`;
    case "none":
      return "";
    default:
      return strategy;
  }
}

/** The key as it is stored. */
export function storedKey(store: string, prefix: string, key: string): string {
  if (key.includes(separator)) throw illegalKey(store, key);
  return prefix + key;
}

function illegalKey(store: string, key: string): Error {
  const text = `input key/keyPrefix '${key}' can't contain '${separator}'`;
  const details = (description: string): readonly ErrorDetail[] => [
    { type: "BadRequest", violations: [{ field: key, description }] },
    stateResource(store),
    { type: "ErrorInfo", reason: "DAPR_STATE_ILLEGAL_KEY", metadata: null },
  ];
  // Dapr's HTTP form prints the whole gRPC error.
  const message = `api error: code = InvalidArgument desc = ${text}`;
  return stateError("ILLEGAL_KEY", message, {
    details: details(message),
    overGrpc: { message: text, details: details(text) },
  });
}
