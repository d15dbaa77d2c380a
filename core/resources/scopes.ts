import type { AppRef } from "#core/ports/platform.ts";
import type { ResourceHead } from "./resource-head.ts";

/** Whether an app may use a resource: listed in its scopes (exactly) or nobody is; namespaces count where both sides have one. */
export function isVisible(resource: ResourceHead, app: AppRef): boolean {
  const { namespace, scopes } = resource;
  if (namespace !== "" && app.namespace !== "" && namespace !== app.namespace) return false;
  return scopes.length === 0 || scopes.includes(app.appId);
}
