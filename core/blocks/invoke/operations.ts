import { AccessDeniedError, workloadOf } from "#core/access-control/check.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanMethod } from "#core/util/path.ts";
import type { CallOptions } from "#core/ports/component.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { RuntimePart, RuntimeServices } from "#core/kernel/runtime-services.ts";
import type {
  AppRef,
  HeaderList,
  Platform,
  PlainRequest,
  PlainResponse,
} from "#core/ports/platform.ts";
import { type Guard, unguarded } from "#core/resiliency/guard.ts";
import { builtInRetry } from "#core/resiliency/built-in-retry.ts";
import { type InvocationIds, isMeasured, measuredInvocation } from "#core/telemetry/invocation.ts";
import { isSampled, type TraceContext } from "#core/tracing/trace-context.ts";
import { sendTraced } from "#core/tracing/server-span.ts";
import { invokeError, invokeFailed, missingVerb, speaksGrpc } from "./errors.ts";
import { bodyOf, headersFor, pathOf } from "./forwarded.ts";
import { callOutside } from "./outside.ts";
import { turnedAway } from "./receive.ts";
import { calleeOf, hostedCallee, type Hosts } from "./route.ts";
import { withResiliency } from "./with-resiliency.ts";
import { describeInvocation } from "#core/kernel/facts/describe.ts";

export interface Invoke {
  readonly id: string;
  readonly method: string;
  readonly verb: string;
  /** Without "?". */
  readonly query: string;
  readonly headers: HeaderList;
  readonly body?: PlainRequest["body"];
  /** See `PlainRequest`. */
  readonly bodyBytes?: number;
  /** Of the message that the body is, where a gRPC caller named it. */
  readonly dataTypeUrl?: string;
}
export type InvokeDeps = Pick<RuntimeServices, "platform" | "find">;
interface Deps {
  readonly platform: Platform;
  readonly hosts: Hosts;
}

/** The one invocation of a runtime, for all wires. */
export const invocation: RuntimePart<Operation<Invoke, PlainResponse>> = {
  name: "invoke",
  create: createInvoke,
};

/** Calls another app, an HTTPEndpoint or a URL, and returns what it answered. */
export function createInvoke({ platform, find }: InvokeDeps): Operation<Invoke, PlainResponse> {
  const isElsewhere = async (to: AppRef): Promise<boolean> =>
    (await platform.peers?.isElsewhere?.(to)) === true;
  const deps: Deps = { platform, hosts: { find, isElsewhere } };
  return defineOperation(
    "invoke.call",
    {
      api: "invoke",
      endpoint: "InvokeService",
      // Which app is called, but not which method of it.
      obfuscated: ({ id }) => `InvokeService/${id}`,
      describe: describeInvocation,
      metric: undefined,
    },
    (call, input) => {
      const method = cleanMethod(input.method);
      if (method === undefined)
        throw invokeFailed(
          input.id,
          `method contains forbidden character: ${JSON.stringify(input.method)}`,
        );
      return withResiliency(call, { ...input, method }, (options) =>
        dispatch(deps, call, input, method, options),
      );
    },
  );
}

function dispatch(
  deps: Deps,
  call: Call,
  input: Invoke,
  method: string,
  options: CallOptions,
): Promise<PlainResponse> {
  const endpoint = call.app.policies.httpEndpoints.get(input.id);
  if (!endpoint && !isUrl(input.id)) return toApp(deps, call, input, method, options);
  if (input.verb === "") throw withoutVerb(input.id);
  const sent = (): Promise<PlainResponse> =>
    callOutside(deps.platform, call, input, method, endpoint, options);
  return isMeasured(call.app.telemetry, undefined)
    ? measuredInvocation(call.app.telemetry, undefined, idsOf(call, input), sent)
    : sent();
}

async function toApp(
  deps: Deps,
  call: Call,
  input: Invoke,
  method: string,
  options: CallOptions,
): Promise<PlainResponse> {
  const callee = calleeOf(input.id, call.app);
  const found = hostedCallee(deps.hosts, callee, call.app);
  const hosted = found instanceof Promise ? await found : found;
  const channel = hosted
    ? hosted.channel
    : await deps.platform.peers?.find(callee, options, call.app);
  if (!channel)
    throw invokeFailed(
      input.id,
      hosted
        ? "cannot invoke local endpoint: app channel not initialized"
        : "no host found with the given ID",
    );
  // A call to oneself is not judged.
  const why =
    hosted && hosted !== call.app
      ? turnedAway(hosted, { caller: workloadOf(call.app.identity), method, verb: input.verb })
      : undefined;
  if (why !== undefined) throw denied(input.id, why);
  if (input.verb === "" && hosted && !speaksGrpc(hosted)) throw withoutVerb(input.id);
  const request = {
    method: input.verb,
    path: pathOf(method, input.query),
    headers: headersFor(call, input.headers, callee, hosted, deps.platform.host),
    ...bodyOf(input),
    ...(input.dataTypeUrl === undefined ? {} : { dataTypeUrl: input.dataTypeUrl }),
  };
  const guard = hosted ? unguarded : retriesOf(deps, call, input);
  // A call to oneself stays inside the sidecar, and is one step.
  const other =
    hosted?.policies.tracer && hosted !== call.app && maySpan(call.trace) ? hosted : undefined;
  const send = (limited: CallOptions): Promise<PlainResponse> =>
    other ? sendTraced(other, channel, method, request, limited) : channel.send(request, limited);
  const sent = (): Promise<PlainResponse> =>
    guard(send, options).catch((reason: unknown) => {
      const failure = messageOf(reason);
      if (reason instanceof AccessDeniedError) throw denied(input.id, failure);
      throw invokeFailed(
        input.id,
        hosted ? `error invoking app channel: ${failure}` : failure,
        reason,
      );
    });
  // Awaited, which takes two turns of the queue fewer than a promise that is returned.
  return await (isMeasured(call.app.telemetry, hosted?.telemetry)
    ? measuredInvocation(call.app.telemetry, hosted?.telemetry, idsOf(call, input), sent)
    : sent());
}

function withoutVerb(id: string): Error {
  return invokeFailed(id, missingVerb);
}

/** False where it is settled that the trace has no spans. */
function maySpan(trace: TraceContext | undefined): boolean {
  return trace === undefined || isSampled(trace.traceparent);
}

function idsOf({ app }: Call, { id }: Invoke): InvocationIds {
  return { caller: app.appId, callee: id };
}

function denied(id: string, why: string): Error {
  return invokeError(
    "DENIED",
    `failed to invoke, id: ${id}, err: rpc error: code = PermissionDenied desc = ${why}`,
    { overGrpc: { message: why } },
  );
}

/** What Dapr does by itself where no policy names the app: only what was never sent is sent again. */
function retriesOf({ platform }: Deps, { app }: Call, { id, body }: Invoke): Guard {
  if (body instanceof ReadableStream || app.policies.resiliency?.namesApp(calleeOf(id, app).appId))
    return unguarded;
  return app.policies.resiliency
    ? app.policies.resiliency.builtIn("DaprBuiltInServiceRetries")
    : builtInRetry("DaprBuiltInServiceRetries", platform);
}

function isUrl(id: string): boolean {
  return id.startsWith("http://") || id.startsWith("https://");
}
