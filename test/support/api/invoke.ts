import type { GrpcWire } from "./grpc-wire.ts";
import type { HttpWire } from "./http-wire.ts";

export interface Invocation {
  readonly verb?: string;
  /** Without the question mark. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: string;
}
export interface InvokeAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** A header of the app's answer, by its name in lower case. */
  header(name: string): string | undefined;
}
export interface InvokeApi {
  /** What the app answered with a status below 400. */
  invoke(target: string, method: string, call?: Invocation): Promise<InvokeAnswer>;
}

export function invokeOverHttp(http: HttpWire): InvokeApi {
  return {
    invoke: async (target, method, { verb = "POST", query, headers, contentType, body } = {}) => {
      const search = query === undefined ? "" : `?${query}`;
      const path = `/v1.0/invoke/${encodeURIComponent(target)}/method/${method}${search}`;
      const answer = await http.send(verb, path, {
        headers: {
          ...headers,
          ...(contentType === undefined ? {} : { "content-type": contentType }),
        },
        body,
      });
      return {
        status: answer.status,
        contentType: answer.headers.get("content-type") ?? "",
        body: await answer.text(),
        header: (name) => answer.headers.get(name) ?? undefined,
      };
    },
  };
}

/** Of HTTPExtension.Verb. */
const verbs = ["NONE", "GET", "HEAD", "POST", "PUT", "DELETE"];

/** Headers are metadata of the call: the message has no place for them. */
export function invokeOverGrpc(grpc: GrpcWire): InvokeApi {
  return {
    invoke: async (id, method, { verb = "POST", query, headers, contentType, body } = {}) => {
      const message = {
        method,
        httpExtension: { verb: verbs.indexOf(verb), querystring: query ?? "" },
        contentType: contentType ?? "",
        ...(body === undefined ? {} : { data: { value: encoder.encode(body) } }),
      };
      const { response, headers: metadata } = await grpc.call(
        "InvokeService",
        { id, message },
        headers ?? {},
      );
      const header = (name: string): string | undefined => metadata.get(name)[0]?.toString();
      return {
        status: Number(header("dapr-http-status")),
        contentType: response.contentType,
        body: new TextDecoder().decode(response.data.value),
        header,
      };
    },
  };
}
const encoder = new TextEncoder();
