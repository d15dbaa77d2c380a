import { compactJson } from "#core/util/compact-json.ts";
import type { App } from "#core/kernel/app.ts";
import type { ActorHost, ActorName } from "#core/ports/actor-host.ts";
import type { AppChannel, HeaderList, PlainRequest } from "#core/ports/platform.ts";
import { jsonType } from "#core/util/content-types.ts";
import { encodePath } from "#core/util/path.ts";
import { withoutHeaders } from "#core/util/header-list.ts";
import { pushAppToken } from "#core/wire/http/metadata-headers.ts";
import { grpcContentType } from "./grpc-content-type.ts";

/** An HTTP app, which serves its actors below `/actors`. */
export function httpActorHost(app: App, channel: AppChannel): ActorHost {
  const headersOf = (type: string): string[] => {
    const headers = ["content-type", type];
    pushAppToken(headers, app);
    return headers;
  };
  const request = (
    method: string,
    path: string,
    headers: HeaderList,
    body?: Uint8Array | string,
  ): PlainRequest => ({ method, path, headers, ...(body === undefined ? {} : { body }) });
  return {
    invoke: (actor, { method, query, headers, body }, options) =>
      channel.send(
        request(
          "PUT",
          `${pathOf(actor)}/method${below(encodePath(method))}${query === "" ? "" : `?${query}`}`,
          headers.includes(grpcContentType) ? withoutHeaders(headers, grpcContentType) : headers,
          body,
        ),
        options,
      ),
    remind: (actor, { name, data }, options) =>
      channel.send(
        request(
          "PUT",
          `${pathOf(actor)}/method/remind/${segment(name)}`,
          headersOf(jsonType),
          `{${dataMember(data)}"dueTime":"","period":""}`,
        ),
        options,
      ),
    tick: (actor, { name, callback, dueTime, period, data }, options) => {
      const rest = JSON.stringify({ dueTime, period }).slice(1);
      return channel.send(
        request(
          "PUT",
          `${pathOf(actor)}/method/timer${below(segment(name))}`,
          headersOf(jsonType),
          `{${dataMember(data)}"callback":${JSON.stringify(callback)},${rest}`,
        ),
        options,
      );
    },
    deactivate: (actor, options) =>
      channel.send(request("DELETE", pathOf(actor), headersOf("application/x-protobuf")), options),
  };
}

function pathOf({ type, id }: ActorName): string {
  return `/actors/${segment(type)}/${segment(id)}`;
}
/** Dapr: without a name, the path does not end in a slash. */
function below(path: string): string {
  return path === "" ? "" : `/${path}`;
}
/** As one segment of a path. */
function segment(text: string): string {
  return /^[\w.~-]*$/.test(text)
    ? text
    : encodeURIComponent(text.toWellFormed()).replace(
        /%(?:24|26|2B|3A|3D|40)/g,
        decodeURIComponent,
      );
}
function dataMember(data: string | undefined): string {
  return data === undefined ? "" : `"data":${compactJson(data)},`;
}
