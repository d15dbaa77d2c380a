import type { Kind } from "#core/ports/manifest.ts";
import type { Guard } from "./guard.ts";
import type { Resiliency } from "./policies.ts";

/** Asked for each delivery, so that changed policies count at once. */
export function inboundOf(
  app: { readonly policies: { readonly resiliency?: Resiliency | undefined } },
  kind: Kind,
): (component: string) => Guard {
  return (component) => (run, options) => {
    const guard = app.policies.resiliency?.component(component, kind, "inbound");
    return guard ? guard(run, options) : run(options);
  };
}
