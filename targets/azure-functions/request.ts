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

/** The platform's front end adds the peer, with its port, at the end of `x-forwarded-for`; what stands before is the caller's own. */
export function remoteAddressOf(request: HttpRequest): string | undefined {
  const last = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim();
  if (last === undefined || last === "") return undefined;
  return /^\[(.+)\](?::\d+)?$/.exec(last)?.[1] ?? last.replace(/^([\d.]+):\d+$/, "$1");
}
