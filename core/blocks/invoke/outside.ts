import type { HttpEndpoint } from "#core/kernel/app.ts";
import type { Call } from "#core/kernel/call.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { throughAppPipeline } from "#core/middleware/app-pipeline.ts";
import { decodePath } from "#core/util/path.ts";
import { senderOf } from "#core/outbound/send.ts";
import { userAgent } from "#core/outbound/user-agent.ts";
import { headerOf } from "#core/util/header-list.ts";
import { textOfHeader } from "#core/util/header-value.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, Platform, PlainResponse } from "#core/ports/platform.ts";
import { invokeFailed } from "./errors.ts";
import { bodyOf, outsideHeaders, pathOf } from "./forwarded.ts";
import type { Invoke } from "./operations.ts";

/** A call of an HTTPEndpoint or, where there is none, of the URL that stands in the place of an app's id. */
export async function callOutside(
  platform: Pick<Platform, "send" | "fetch">,
  call: Call,
  input: Invoke,
  method: string,
  given: HttpEndpoint | undefined,
  options: CallOptions,
): Promise<PlainResponse> {
  try {
    const endpoint = given?.lookUp ? await given.lookUp() : given;
    const { limits, identity, policies } = call.app;
    const { appHttpPipeline } = policies;
    const base = baseOf(endpoint?.baseUrl ?? input.id);
    const outside = channelTo(base.root, endpoint?.send ?? senderOf(platform));
    const channel = appHttpPipeline
      ? throughAppPipeline(outside, appHttpPipeline, limits.maxBodyBytes)
      : outside;
    // The app's token is for the app, and for what stands in its place.
    const headers = endpoint
      ? outsideHeaders(call, input.headers, endpoint.headers, undefined)
      : outsideHeaders(call, input.headers, [], identity.appToken);
    setIfAbsent(headers, "authorization", base.authorization);
    setIfAbsent(headers, "user-agent", userAgent);
    const request = {
      method: input.verb,
      path: pathOf(method, input.query),
      headers,
      ...bodyOf(input),
    };
    return await channel.send(request, options);
  } catch (reason) {
    throw invokeFailed(input.id, messageOf(reason), reason);
  }
}

/** As Go's client reads an address: credentials in it become a header, and what a URL cannot hold is encoded. */
function baseOf(text: string): { readonly root: string; readonly authorization?: string } {
  const root = text
    .replace(/[^!-~]+/g, (part) => encodeURIComponent(part.toWellFormed()))
    .replace(/\/+$/, "");
  const { username, password } = URL.parse(root) ?? {};
  if (!username && !password) return { root };
  const user = `${decodePath(username ?? "")}:${decodePath(password ?? "")}`;
  return {
    root: root.replace(/^([a-z]+:\/*)[^/?#]*@/i, "$1"),
    authorization: `Basic ${btoa(textOfHeader(new TextEncoder().encode(user)))}`,
  };
}

function setIfAbsent(headers: string[], name: string, value: string | undefined): void {
  if (value !== undefined && headerOf(headers, name) === undefined) headers.push(name, value);
}

function channelTo(root: string, send: NonNullable<Platform["send"]>): AppChannel {
  return {
    send: ({ method, path, headers, body, bodyBytes }, options) =>
      send(
        {
          method,
          url: `${root}${path}`,
          headers,
          ...(body === undefined ? {} : { body }),
          ...(bodyBytes === undefined ? {} : { bodyBytes }),
        },
        options,
      ),
  };
}
