import type { OperationMetric } from "#core/kernel/operation.ts";
import type { Kind } from "#core/ports/manifest.ts";

/** The metric of an operation that has a name of its own in it: labels are the component, the namespace, the operation and `success`. */
export function componentMetric<In>(
  family: string,
  kind: Kind,
  component: (input: In) => string | undefined,
  operation: string,
): OperationMetric<In, unknown> {
  return {
    family,
    kind,
    component,
    labels: (app, name, _, success) => [name, app.namespace, operation, success],
  };
}
