import { ApiError } from "#core/errors/api-error.ts";
import type { App } from "#core/kernel/app.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import { orAborted } from "#core/util/time-limit.ts";
import { appStreams } from "./app-streams.ts";
import { actorError } from "./errors.ts";
import { actorFacts } from "./facts.ts";
import { checkPlacement } from "./invoke.ts";
import { hostedTypes, type HostedTypes } from "./settings.ts";
import { createStreamHost } from "./stream-host.ts";
import type { HostMessage, ToHost } from "./stream-messages.ts";

const facts = actorFacts("SubscribeActorEvents");

/** An app hosts its actors for as long as the stream is open. */
export const hostActors: Operation<
  AsyncIterable<HostMessage>,
  AsyncIterable<ToHost>
> = defineOperation(
  "actors.host",
  { api: facts.api, endpoint: facts.endpoint, describe: facts.describe, metric: undefined },
  async (call, messages) => {
    const { app } = call;
    checkPlacement(call);
    if (hasHttpChannel(app))
      throw actorError("STREAM_HTTP_APP", "actor callback streaming requires a gRPC app channel");
    const incoming = messages[Symbol.asyncIterator]();
    const { stopping } = app.part(appStreams);
    // A client that sends nothing must not keep an app that is stopping.
    const waiting = { signal: AbortSignal.any([call.signal, stopping]) };
    const first = await orAborted(incoming.next(), waiting).catch((reason: unknown) => {
      throw stopping.aborted ? closed() : reason;
    });
    if (first.done || first.value.kind !== "initial")
      throw actorError(
        "STREAM_FIRST_MESSAGE",
        "first message must be SubscribeActorEventsRequestInitialAlpha1",
      );
    const types = hostedTypes(first.value.configuration);
    return conversation(app, types, { [Symbol.asyncIterator]: () => incoming }, call.signal);
  },
);

/** Accepted, then requests until either side ends the stream. */
async function* conversation(
  app: App,
  types: HostedTypes,
  messages: AsyncIterable<HostMessage>,
  signal: AbortSignal,
): AsyncGenerator<ToHost> {
  const streams = app.part(appStreams);
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal, streams.stopping]);
  const { host, requests, answer } = createStreamHost(over);
  async function listen(): Promise<void> {
    for await (const message of messages)
      // Dapr: what the app hosts was settled by its first message.
      if (message.kind !== "initial" && message.kind !== "nothing") answer(message);
  }
  let failure: ApiError | undefined;
  // The messages end with the call, and nothing else needs to wait for them.
  void listen()
    .catch((reason: unknown) => void (failure = ApiError.is(reason) ? reason : undefined))
    .finally(() => ended.abort());
  const leave = streams.add({ types, host });
  over.addEventListener("abort", leave, { once: true });
  if (over.aborted) leave();
  try {
    yield { kind: "started" };
    yield* requests;
    if (failure) throw failure;
    if (streams.stopping.aborted) throw closed();
  } finally {
    ended.abort();
    leave();
  }
}

function hasHttpChannel({ channel, connection }: App): boolean {
  return channel !== undefined && !connection?.protocol.startsWith("grpc");
}
function closed(): ApiError {
  return actorError("STREAM_CLOSED", "the app is stopping");
}
