import { ComponentError } from "#core/errors/component-error.ts";
import { OutputBinding as Service } from "#core/wire/grpc/gen/dapr/proto/components/v1/bindings_pb.js";
import type { OutputBinding } from "#core/ports/bindings.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { opening } from "./features.ts";
import { type Endpoint, openLink } from "./link.ts";
import { bytesOf } from "./messages.ts";

/** An output binding in another process. */
export async function openOutputBinding(
  endpoint: Endpoint,
  spec: ComponentSpec,
  host: Host,
): Promise<OutputBinding> {
  const { init, invoke, listOperations, ping } = Service.method;
  const link = await openLink(endpoint, spec, host, (wire, properties, options) =>
    wire.unary(init, { metadata: { properties } }, options),
  );
  const listed = await opening(link, host, (options) => link.unary(listOperations, {}, options));
  const operations = [...new Set(listed.operations)];
  return {
    operations,
    invoke: async (operation, { data = "", metadata }, options) => {
      if (!operations.includes(operation))
        throw new ComponentError(
          "unsupported",
          `operation "${operation}" is not supported by the component, which supports: ${operations.join(", ")}`,
        );
      const request = { operation, data: bytesOf(data), metadata: { ...metadata } };
      const answer = await link.unary(invoke, request, options);
      return {
        data: answer.data,
        metadata: answer.metadata,
        ...(answer.contentType === "" ? {} : { contentType: answer.contentType }),
      };
    },
    ping: async (options) => void (await link.unary(ping, {}, options)),
    [Symbol.asyncDispose]: async () => link.close(),
  };
}
