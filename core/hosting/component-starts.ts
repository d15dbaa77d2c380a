import type { LoadDeps } from "./load-components.ts";
import type { ComponentDocument } from "#core/resources/component.ts";

/** Counts a component that has started, or one that could not: `creation` for want of such a type, else `init`. */
export function noteLoad(
  { meter, registry }: Pick<LoadDeps, "meter" | "registry">,
  { name, spec }: ComponentDocument,
  failed: boolean,
): void {
  if (!meter) return;
  if (failed) {
    const reason = isKnown(registry, spec) ? "init" : "creation";
    const labels = { component: spec.type, reason, componentName: name };
    return meter.count("runtime_component_init_fail_total", labels);
  }
  meter.count("runtime_component_loaded", {});
  meter.count("runtime_component_init_total", { component: spec.type });
}

function isKnown(
  registry: LoadDeps["registry"],
  { type, version }: ComponentDocument["spec"],
): boolean {
  try {
    return registry.find(type, version).length > 0;
  } catch {
    return false;
  }
}
