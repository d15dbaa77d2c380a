import type { RouteResponse } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { mayHaveBody } from "#core/wire/http/may-have-body.ts";
import { splitTarget } from "#core/util/path.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import type { Operation } from "#core/kernel/operation.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { collect, TooLargeError } from "#core/util/bounded-read.ts";
import { invokeFailed } from "./errors.ts";
import { findTarget } from "./find-target.ts";
import { responseHeaders } from "#core/blocks/_shared/forwarded-headers.ts";
import type { Invoke } from "./operations.ts";

/** Bodies up to this size are read whole: cheaper than a web stream, which a larger one goes through. */
const bufferedBytes = 65_536;

/** Service invocation owns the fallback: every path that no other block takes is a method of some app. */
export function invokeHttp(routes: HttpRoutes, invoke: Operation<Invoke, PlainResponse>): void {
  routes.fallback(invoke, readInvoke, writeInvoke);
}

async function readInvoke(input: HttpInput): Promise<Invoke> {
  const { id, method } = findTarget(input);
  try {
    return {
      id,
      method,
      verb: input.request.method,
      query: splitTarget(input.target).query,
      headers: input.headers,
      ...(await readBody(input, id)),
    };
  } catch (reason) {
    throw invokeFailed(id, messageOf(reason), reason);
  }
}

async function readBody(
  input: HttpInput,
  target: string,
): Promise<Pick<PlainRequest, "body" | "bodyBytes">> {
  const length = input.header("content-length");
  if (length === undefined) {
    if (input.header("transfer-encoding") === undefined && !input.streams) return none;
    const streamed = bounded(input.body, input.app.limits.maxBodyBytes);
    return streamed ? { body: streamed } : none;
  }
  const bodyBytes = Number(length);
  if (bodyBytes === 0) return none;
  if (bodyBytes > input.app.limits.maxBodyBytes) throw new TooLargeError();
  // What may have to be sent again is kept.
  if (bodyBytes > bufferedBytes && !input.app.policies.resiliency?.repeatsApp(target))
    return input.body ? { body: input.body, bodyBytes } : none;
  const { method } = input.request;
  const isBodyOfGet = method === "GET" || method === "HEAD";
  return { body: await (isBodyOfGet ? collect(input.body, bodyBytes) : input.bytes()) };
}
const none = {};

/** A body of unknown length, cut off with an error where it passes the limit. */
function bounded(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
): ReadableStream<Uint8Array> | undefined {
  if (!body) return undefined;
  let size = 0;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size > limit) controller.error(new TooLargeError());
        else controller.enqueue(chunk);
      },
    }),
  );
}

function writeInvoke(response: PlainResponse, input: HttpInput): RouteResponse {
  const rawHeaders = responseHeaders(response.headers);
  if (isEventStream(input)) rawHeaders.push("cache-control", "no-cache");
  const answer = { status: response.status, rawHeaders };
  const { body } = response;
  if (body === undefined) return answer;
  if (mayHaveBody(response.status)) return { ...answer, body };
  discard(response);
  return answer;
}
function isEventStream(input: HttpInput): boolean {
  return input.header("accept")?.toLowerCase() === "text/event-stream";
}
