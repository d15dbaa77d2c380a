import type { App, Loaded } from "#core/kernel/app.ts";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import { cleanPath, encodePath, splitTarget } from "#core/util/path.ts";
import type { BindingData } from "#core/ports/bindings.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type { AppChannel, PlainResponse } from "#core/ports/platform.ts";
import { unguarded } from "#core/resiliency/guard.ts";
import { collect, TooLargeError } from "#core/util/bounded-read.ts";
import { measuredEvent } from "#core/telemetry/input-bindings.ts";
import { endWithStatus } from "#core/tracing/attributes.ts";
import { eventTrace, tracedHeaders } from "#core/blocks/_shared/event-headers.ts";

/** Largest answer of an app that is handed back to a component. */
const maxAnswerBytes = 4_194_304;
const decoder = new TextDecoder();

/** Hands one event to the app, for platforms that push; resolves with what the app answered, rejects when the event must come again. */
export async function deliverEvent(
  app: App,
  bindingName: string,
  event: BindingData,
  options: CallOptions,
): Promise<BindingData | undefined> {
  const binding = app.component("bindings.input", bindingName);
  if (!binding)
    throw new ComponentError(
      "rejected",
      `App "${app.appId}" has no input binding "${bindingName}"`,
    );
  const guard =
    app.policies.resiliency?.component(bindingName, "bindings.input", "inbound") ?? unguarded;
  const channel = channelOf(app);
  return guard((limited) => postEvent(app, channel, binding, event, limited), options);
}

function channelOf({ appId, channel }: App): AppChannel {
  if (channel) return channel;
  throw new ComponentError(
    "unavailable",
    `App "${appId}" has no channel; give the port it listens on`,
  );
}

/** Where the app takes a binding's events: the component's `route`, or its name. */
export function eventPath({ name, metadata }: Pick<Loaded, "name" | "metadata">): string {
  const { path, query } = splitTarget(metadata["route"] || name);
  const clean = cleanPath(`/${path}`);
  const encoded = clean.includes("%") ? clean : encodePath(clean);
  return query === "" ? encoded : `${encoded}?${query}`;
}

export function postEvent(
  app: App,
  channel: AppChannel,
  binding: Pick<Loaded, "name" | "metadata">,
  event: BindingData,
  options: CallOptions,
): Promise<BindingData | undefined> {
  return measuredEvent(app.telemetry, binding.name, () =>
    post(app, channel, binding, event, options),
  );
}

async function post(
  app: App,
  channel: AppChannel,
  binding: Pick<Loaded, "name" | "metadata">,
  { data, metadata }: BindingData,
  options: CallOptions,
): Promise<BindingData | undefined> {
  const trace = eventTrace(app, binding.name, metadata);
  const request = {
    method: "POST",
    path: eventPath(binding),
    headers: tracedHeaders(app, metadata, trace),
    callback: { kind: "binding-event", binding: binding.name, metadata },
  } as const;
  let response: PlainResponse;
  try {
    response = await channel.send(
      data === undefined ? request : { ...request, body: data },
      options,
    );
  } catch (reason) {
    trace?.span?.end(messageOf(reason));
    throw new ComponentError("unavailable", `error invoking app: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
  const { status } = response;
  if (trace?.span) endWithStatus(trace.span, status);
  const answer = await read(response);
  if (response.forward) await forward(app, response.forward, answer, options);
  if (status >= 200 && status <= 299)
    return answer === undefined ? undefined : { data: answer, metadata: noMetadata };
  const text = typeof answer === "string" ? answer : decoder.decode(answer?.subarray(0, 4096));
  throw new ComponentError(
    "rejected",
    `fails to send binding event to http app channel, status code: ${status} body: ${text.slice(0, 1024)}`,
    { status },
  );
}

/** What a gRPC app answers may go on to output bindings. Rejects when one does not take it, so that the event comes again. */
async function forward(
  app: App,
  { to, parallel }: NonNullable<PlainResponse["forward"]>,
  data: string | Uint8Array | undefined,
  options: CallOptions,
): Promise<void> {
  const send = async (name: string): Promise<void> => {
    const binding = app.component("bindings.output", name);
    if (!binding) throw new ComponentError("rejected", `couldn't find output binding ${name}`);
    await binding.port.invoke("create", { data: data ?? "", metadata: noMetadata }, options);
  };
  if (parallel) await Promise.all(to.map(send));
  else for (const name of to) await send(name);
}

/** `undefined` for no body, and for one that is too large: the app has taken the event, so it must not come again for that. */
async function read({ body }: PlainResponse): Promise<string | Uint8Array | undefined> {
  if (body === undefined || body === "") return undefined;
  if (!(body instanceof ReadableStream)) return body.length > maxAnswerBytes ? undefined : body;
  try {
    const bytes = await collect(body, maxAnswerBytes);
    return bytes.length === 0 ? undefined : bytes;
  } catch (reason) {
    if (reason instanceof TooLargeError) return undefined;
    throw new ComponentError("unavailable", `failed to read response body: ${messageOf(reason)}`, {
      cause: reason,
    });
  }
}
