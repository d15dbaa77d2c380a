import { messageOf } from "#core/errors/component-error.ts";
import type { Call } from "#core/kernel/call.ts";
import { appCoordination, howToTurnOn } from "#core/kernel/coordination.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import { requestHeaders } from "#core/blocks/_shared/forwarded-headers.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { HeaderList } from "#core/ports/platform.ts";
import { PermanentError } from "#core/resiliency/failure.ts";
import { callerAppId, callerNamespace } from "#core/util/identity-headers.ts";
import { headerOf } from "#core/util/header-list.ts";
import { isTruthy } from "#core/util/truthy.ts";
import { cleanMethod } from "#core/util/path.ts";
import { appActors } from "./app-actors.ts";
import { actorError } from "./errors.ts";
import { actorFacts } from "./facts.ts";
import { hostFailureText } from "./host-failure.ts";
import { localHosts } from "./local-hosts.ts";
import { checkNames } from "./names.ts";
import { NoHostError, RemoteTurnError, type RoutedAnswer, routeTurn } from "./router.ts";
import { StackDepthError } from "./turn-queue.ts";

export interface InvokeActor {
  readonly type: string;
  readonly id: string;
  readonly method: string;
  /** Without "?". */
  readonly query: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | undefined;
}
/** The app's answer with status 200. */
export type ActorAnswer = Pick<RoutedAnswer, "headers" | "body">;

/** An app reports an error of an actor in a good answer with this; resiliency counts it as a failure. */
export const errorHeader = "x-daprerrorresponseheader";
export const cancelHeader = "x-daprremindercancel";

/** The calls of actors, made once for each runtime. */
export const actorInvocation: RuntimePart<Operation<InvokeActor, ActorAnswer>> = {
  name: "actors.invoke",
  create: (services) =>
    defineOperation("actors.invoke", actorFacts("InvokeActor"), (call, input) =>
      invoke(call, input, services),
    ),
};

/** Throws where the app has no actors at all. */
export function checkPlacement({ app }: Call): void {
  if (app.part(appCoordination).source?.actors) return;
  app.telemetry.warnOnce?.(
    `Actors are off: their calls are answered as by a Dapr sidecar without a placement service; ${howToTurnOn}`,
  );
  throw actorError("ERR_ACTOR_NO_PLACEMENT", "placement service is not configured");
}

async function invoke(
  call: Call,
  input: InvokeActor,
  services: RuntimeServices,
): Promise<ActorAnswer> {
  checkPlacement(call);
  const { type, id } = input;
  checkNames(type, id);
  const method = cleanMethod(input.method);
  if (method === undefined)
    throw actorError(
      "ERR_BAD_REQUEST",
      `invalid request: method contains forbidden character: ${JSON.stringify(input.method)}`,
      {
        overGrpc: {
          message: `invalid actor method: method contains forbidden character: ${JSON.stringify(input.method)}`,
        },
      },
    );
  await services.part(appActors)(call.app).ready(call);
  const locals = services.part(localHosts);
  const turn = {
    kind: "invoke",
    actor: { type, id },
    call: {
      method,
      query: input.query,
      headers: headersOf(call, input.headers),
      body: input.body,
    },
  } as const;
  const attempt = async (options: CallOptions): Promise<RoutedAnswer> => {
    try {
      return checked(await routeTurn(call.app, turn, services, locals, options), input, method);
    } catch (reason) {
      throw reason instanceof NoHostError || reason instanceof StackDepthError
        ? new PermanentError(reason)
        : reason;
    }
  };
  const guard = call.app.policies.resiliency?.actorBefore(type, id);
  try {
    return await (guard ? guard(attempt, call, id) : attempt(call));
  } catch (caught) {
    const reason = caught instanceof PermanentError ? caught.cause : caught;
    if (reason instanceof FailedAnswer && reason.answer) return reason.answer;
    throw failureOf(reason);
  }
}

/** An answer that policies take for a failure. `answer`: what the caller gets in the end all the same. */
class FailedAnswer extends Error {
  readonly answer: RoutedAnswer | undefined;
  readonly isRemote: boolean;
  constructor(message: string, isRemote: boolean, answer?: RoutedAnswer) {
    super(message);
    this.isRemote = isRemote;
    this.answer = answer;
  }
}

const decoder = new TextDecoder();
function checked(answer: RoutedAnswer, { type, id }: InvokeActor, method: string): RoutedAnswer {
  const { status, headers, isRemote } = answer;
  const text = status === 200 ? undefined : hostFailureText(answer);
  if (status === 404)
    throw new PermanentError(
      new FailedAnswer(
        text ?? `actor method not found: actors/${type}/${id}/method/${method}`,
        isRemote,
      ),
    );
  if (status !== 200)
    throw new FailedAnswer(
      text ?? `error from actor service: (${status}) ${decoder.decode(answer.body)}`,
      isRemote,
    );
  if (isTruthy(headerOf(headers, cancelHeader) ?? ""))
    throw new FailedAnswer("reminder has been canceled", isRemote);
  if (headerOf(headers, errorHeader) !== undefined)
    throw new FailedAnswer("the actor reported an error", isRemote, answer);
  return answer;
}

function failureOf(reason: unknown): unknown {
  const prefix = "error invoke actor method: ";
  if (reason instanceof NoHostError) {
    const text = `failed to lookup actor: api error: code = FailedPrecondition desc = ${reason.message}`;
    return actorError("NO_HOST", `${prefix}${text}`, {
      cause: reason,
      overGrpc: { message: text },
    });
  }
  if (reason instanceof StackDepthError)
    return actorError("ERR_ACTOR_STACK_DEPTH", reason.message, { cause: reason });
  const message = `${prefix}${messageOf(reason)}`;
  const isRemote =
    reason instanceof RemoteTurnError || (reason instanceof FailedAnswer && reason.isRemote);
  return actorError(
    "ERR_ACTOR_INVOKE_METHOD",
    // Dapr: over HTTP an error that came from another sidecar is wrapped once more.
    isRemote ? `${prefix}rpc error: code = Internal desc = ${message}` : message,
    { cause: reason, overGrpc: { message } },
  );
}

const dropped: ReadonlySet<string> = new Set([
  "traceparent",
  "tracestate",
  "grpc-trace-bin",
  tokenHeader,
  "dapr-api-call",
  "x-dapr-remote",
]);
function headersOf({ app, trace }: Call, given: HeaderList): readonly string[] {
  const headers = requestHeaders(given, dropped);
  headers.push(
    "Dapr-API-Call",
    "true",
    callerAppId,
    app.appId,
    callerNamespace,
    app.namespace || "default",
  );
  if (trace) {
    headers.push("traceparent", trace.traceparent);
    if (trace.tracestate !== "") headers.push("tracestate", trace.tracestate);
  }
  return headers;
}
