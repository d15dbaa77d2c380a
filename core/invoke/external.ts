import type { CallOptions } from "#core/ports/component.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";

/** Calls an address outside the runtime by the platform's fetch; redirects are passed on, not followed. */
export async function sendExternal(
  fetch: typeof globalThis.fetch,
  url: string,
  request: Omit<PlainRequest, "path">,
  options: CallOptions,
): Promise<PlainResponse> {
  const headers = new Headers();
  for (let i = 0; i < request.headers.length; i += 2)
    headers.append(request.headers[i] as string, request.headers[i + 1] as string);
  const response = await fetch(url, {
    method: request.method,
    headers,
    redirect: "manual",
    signal: options.signal,
    ...(request.body === undefined ? {} : { body: request.body as BodyInit, duplex: "half" }),
  } as RequestInit);
  const answer = { status: response.status, headers: listOf(response.headers) };
  return response.body ? { ...answer, body: response.body } : answer;
}

/** fetch has already undone the encoding, so the header that names it must not be passed on. */
function listOf(headers: Headers): string[] {
  const out: string[] = [];
  for (const [name, value] of headers)
    if (name !== "content-encoding" && name !== "set-cookie") out.push(name, value);
  for (const cookie of headers.getSetCookie()) out.push("set-cookie", cookie);
  return out;
}
