import { messageOf } from "#core/errors/component-error.ts";
import {
  InputBinding as Service,
  type ReadResponse,
} from "#core/wire/grpc/gen/dapr/proto/components/v1/bindings_pb.js";
import type { BindingData, InputBinding } from "#core/ports/bindings.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { type Endpoint, openLink } from "./link.ts";
import { bytesOf } from "./messages.ts";
import { createReaders } from "./readers.ts";

/** Events at the app at the same time. */
const limit = 100;
/** Room for the rest of the message: one that is too large would end the stream for all events. */
const maxAnswerBytes = 4_194_304 - 4096;

/** An input binding in another process. */
export async function openInputBinding(
  endpoint: Endpoint,
  spec: ComponentSpec,
  { clock, log }: Host,
): Promise<InputBinding> {
  const { init, read, ping } = Service.method;
  const link = await openLink(endpoint, spec, { clock }, (wire, properties, options) =>
    wire.unary(init, { metadata: { properties } }, options),
  );
  const about = { component: spec.name };
  const readers = createReaders(link, clock);
  return {
    listen: async (deliver, options) => {
      const call = { signal: link.closed };
      const handle = async (event: ReadResponse) => {
        const { messageId } = event;
        try {
          const answer = await deliver(eventOf(event), call);
          const data = bytesOf(answer?.data ?? "");
          if (data.length <= maxAnswerBytes) return { messageId, responseData: data };
          log.warn("The app's answer is too large for the component; it gets none", about);
          return { messageId };
        } catch (reason) {
          // Who is leaving refuses nothing: the event comes again in any case.
          if (options.signal.aborted) return undefined;
          return { messageId, responseError: { message: messageOf(reason) } };
        }
      };
      await readers.start({ method: read, limit, handle, about, clock, log }, options);
    },
    ping: async (options) => void (await link.unary(ping, {}, options)),
    [Symbol.asyncDispose]: readers.close,
  };
}

function eventOf({ data, metadata, contentType }: ReadResponse): BindingData {
  return contentType === "" ? { data, metadata } : { data, metadata, contentType };
}
