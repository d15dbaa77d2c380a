import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { orAborted, within } from "#core/util/time-limit.ts";
import { closedError } from "./errors.ts";
import type { Stream } from "./stream.ts";
import { dial, type Wire } from "./wire.ts";

/** A socket that pluggable components answer at. */
export interface Endpoint {
  readonly socket: string;
  /** The file's name without its extension: the second half of the component type. */
  readonly name: string;
  /** Full names of the gRPC services behind it. */
  readonly services: ReadonlySet<string>;
}

/** The way to one component, whatever process is behind the socket: a new one is initialised before anything else reaches it. */
export interface Link {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: CallOptions,
  ): Promise<Stream<I, O>>;
  /** Fires when the link is closed. */
  readonly closed: AbortSignal;
  /** Ends every call and stream, and the connection. */
  close(): void;
}

/** How a component is given its settings; each service has messages of its own for it. */
export type Init = (
  wire: Wire,
  properties: { readonly [name: string]: string },
  options: CallOptions,
) => Promise<unknown>;

const defaultInitMs = 5000;

/** Connects and initialises; rejects when that fails or takes longer than the document's `initTimeout`. */
export async function openLink(
  { socket }: Endpoint,
  { name, metadata, owner }: ComponentSpec,
  { clock }: Pick<Host, "clock">,
  init: Init,
): Promise<Link> {
  const closing = new AbortController();
  const properties = owner?.properties ?? metadata;
  let current: Promise<Wire> | undefined;

  async function start(options: CallOptions): Promise<Wire> {
    const wire = await dial(socket, name, options);
    try {
      await init(wire, properties, options);
    } catch (reason) {
      wire.close();
      throw reason;
    }
    return wire;
  }
  async function startInTime(): Promise<Wire> {
    try {
      return await within(clock, owner?.initTimeoutMs ?? defaultInitMs, closing, start);
    } catch (reason) {
      if (ComponentError.is(reason)) throw reason;
      throw new ComponentError("timeout", messageOf(reason), { cause: reason });
    }
  }
  function connected(): Promise<Wire> {
    if (closing.signal.aborted) return Promise.reject(closedError());
    if (current) return current;
    const starting = startInTime();
    const forget = (): void => {
      if (current === starting) current = undefined;
    };
    current = starting;
    starting.then((wire) => {
      if (closing.signal.aborted) wire.close();
      if (wire.gone.aborted) forget();
      else wire.gone.addEventListener("abort", forget, { once: true });
    }, forget);
    return starting;
  }

  // The connection is made for all who wait for it; each gives up for itself.
  const link: Link = {
    unary: async (method, request, options) =>
      (await orAborted(connected(), options)).unary(method, request, options),
    stream: async (method, options) => (await orAborted(connected(), options)).stream(method),
    closed: closing.signal,
    close: () => {
      closing.abort(closedError());
      current?.then(
        (wire) => wire.close(),
        () => {},
      );
    },
  };
  await connected();
  return link;
}
