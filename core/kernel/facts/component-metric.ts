import type { OperationMetric } from "#core/kernel/operation.ts";
import type { Kind } from "#core/ports/manifest.ts";

/**
 * Returns the metric of an operation whose name is one of the labels: component, namespace,
 * operation and `success`.
 */
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
