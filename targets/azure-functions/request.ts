import type { HttpRequest } from "@azure/functions";

/** The library's request is none of the platform's; its URL still has the path as it was encoded. */
export function toRequest(request: HttpRequest): Request {
  return new Request(request.url, {
    method: request.method,
    headers: request.headers as unknown as Headers,
    ...(request.body === null
      ? {}
      : { body: request.body as NonNullable<RequestInit["body"]>, duplex: "half" }),
  } as RequestInit);
}
