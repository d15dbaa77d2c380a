import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { CallOptions } from "#core/ports/component.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { ResponseHandler, responsePolicy } from "./response-handler.ts";
import { counted } from "../memory/external-memory.ts";

/** Sends one request. `release` is called once, when the answer has been read or there is none. */
export type Dispatch = (
  options: Dispatcher.DispatchOptions,
  call: CallOptions,
  release?: () => void,
) => Promise<PlainResponse>;

/** Undici's pool driven directly: its promise API costs as much again. */
export function dispatchBy(pool: Pick<Dispatcher, "dispatch">, takesShort: boolean): Dispatch {
  const policy = responsePolicy(takesShort);
  return (options, call, release) =>
    new Promise((resolve, reject) => {
      const isHead = options.method === "HEAD";
      const handler = new ResponseHandler(call, resolve, reject, policy, release, isHead);
      try {
        pool.dispatch(options, handler);
      } catch (reason) {
        handler.fail(reason);
      }
    });
}

/** A request as undici takes it. */
export function dispatchOptions(
  path: string,
  { method, headers, body, bodyBytes }: Omit<PlainRequest, "path">,
): Dispatcher.DispatchOptions {
  return {
    path,
    method: method as Dispatcher.HttpMethod,
    headers: (bodyBytes === undefined
      ? headers
      : [...headers, "content-length", String(bodyBytes)]) as string[],
    body: body instanceof ReadableStream ? Readable.from(counted(body)) : (body ?? null),
  };
}
