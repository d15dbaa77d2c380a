import { whyNotStarted } from "#core/kernel/not-started.ts";
import type { Call } from "#core/kernel/call.ts";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { BindingData } from "#core/ports/bindings.ts";
import type { Data, Metadata } from "#core/ports/component.ts";
import { bindingError } from "./errors.ts";
import { headerNamesOf } from "./header-names.ts";
import { describeStore } from "#core/kernel/facts/describe.ts";

export interface InvokeBinding {
  readonly binding: string;
  readonly operation: string;
  readonly data: Data;
  readonly metadata: Metadata;
}
export const invokeBinding: Operation<InvokeBinding, BindingData | undefined> = defineOperation(
  "binding.invoke",
  {
    api: "bindings",
    endpoint: "InvokeBinding",
    describe: describeStore("bindings"),
    metric: {
      family: "component_output_binding",
      component: ({ binding }) => binding,
      labels: (app, name, { operation }, success) => [name, app.namespace, operation, success],
    },
  },
  async (call, { binding, operation, data, metadata }) => {
    if (operation === "") throw failure(binding, "operation field is missing from request");
    const found = call.app.component("bindings.output", binding);
    if (!found) {
      const why = whyNotStarted(call.app, "bindings", binding);
      throw failure(binding, why ?? `couldn't find output binding ${binding}`);
    }
    const { port } = found;
    if (!port.operations.includes(operation))
      throw failure(
        binding,
        `binding ${binding} does not support operation ${operation}. supported operations:${port.operations.join(" ")}`,
      );
    try {
      return await port.invoke(operation, { data, metadata: traced(metadata, call) }, call);
    } catch (reason) {
      throw failure(binding, messageOf(reason), reason);
    }
  },
);

/** Components that talk to others pass the trace on. */
function traced(metadata: Metadata, { trace }: Call): Metadata {
  if (!trace) return metadata;
  const { traceparent, tracestate } = trace;
  return tracestate === ""
    ? { ...metadata, traceparent }
    : { ...metadata, traceparent, tracestate };
}

function failure(binding: string, why: string, cause?: unknown): Error {
  const message = `error invoking output binding ${binding}: ${why}`;
  return ComponentError.is(cause) && cause.metadata
    ? bindingError("ERR_INVOKE_OUTPUT_BINDING", message, {
        cause,
        metadata: headerNamesOf(cause.metadata),
      })
    : bindingError("ERR_INVOKE_OUTPUT_BINDING", message, { cause });
}
