import type { App } from "#core/kernel/app.ts";
import type { AppRef } from "#core/ports/platform.ts";
import { invokeFailed } from "./errors.ts";

/** Who hosts apps, as far as this process knows. */
export interface Hosts {
  /** An app of this runtime. */
  find(app: AppRef): App | undefined;
  /** Whether another process has the app as well; asked where those of this one are not available. */
  isElsewhere?: ((app: AppRef) => Promise<boolean>) | undefined;
}

/** `appid` is of the caller's namespace, `appid.namespace` of another. */
export function calleeOf(id: string, caller: AppRef): AppRef {
  const dot = id.indexOf(".");
  if (dot === -1) return { namespace: caller.namespace, appId: id };
  if (id.indexOf(".", dot + 1) !== -1) throw invokeFailed(id, `invalid app id ${id}`);
  const namespace = id.slice(dot + 1);
  return {
    appId: id.slice(0, dot),
    namespace: namespace === (caller.namespace || "default") ? caller.namespace : namespace,
  };
}

/**
 * The app of this runtime that takes the call, by whatever wire it comes; `undefined`: another process should. A call to
 * oneself stays with oneself. Answers at once where it can.
 */
export function hostedCallee(
  hosts: Hosts,
  callee: AppRef,
  caller: App,
): App | undefined | Promise<App | undefined> {
  if (callee.appId === caller.appId && callee.namespace === caller.namespace) return caller;
  const near = hosts.find(callee);
  if (!near || near.health.isAvailable !== false || !hosts.isElsewhere) return near;
  return hosts.isElsewhere(callee).then((isFar) => (isFar ? undefined : near));
}
