import type { AppChannel, PlainResponse } from "#core/ports/platform.ts";

export interface FetchChannelOptions {
  /** Scheme and authority, for example `https://orders.example.com`. */
  readonly base: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** True where the platform encodes a body again that it has decoded (workerd); else the header must go with the encoding. */
  readonly encodesAgain: boolean;
}
/** Answers up to this size are read whole; larger ones, and those of unknown length, are streamed. */
const bufferedBytes = 65_536;

/** The app behind a `fetch`: of a service binding, or of the platform. */
export function fetchChannel({ base, fetch, encodesAgain }: FetchChannelOptions): AppChannel {
  return {
    send: async (request, { signal }) => {
      const headers: Array<[string, string]> = [];
      for (let i = 0; i < request.headers.length; i += 2)
        headers.push([request.headers[i] as string, request.headers[i + 1] as string]);
      // Fetch allows these two no body; what comes with them is dropped, as the platforms drop it on the way in.
      const bare = request.method === "GET" || request.method === "HEAD";
      const init = {
        method: request.method,
        headers,
        redirect: "manual",
        signal,
        ...(bare || request.body === undefined ? {} : { body: request.body, duplex: "half" }),
      };
      return plain(await fetch(base + request.path, init as RequestInit), encodesAgain);
    },
  };
}

async function plain(response: Response, encodesAgain: boolean): Promise<PlainResponse> {
  const headers: string[] = [];
  const decoded = !encodesAgain && response.body !== null;
  for (const [name, value] of response.headers)
    if (!decoded || (name !== "content-encoding" && name !== "content-length"))
      headers.push(name, value);
  const answer = { status: response.status, headers };
  if (response.body === null) return answer;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  return length <= bufferedBytes
    ? { ...answer, body: new Uint8Array(await response.arrayBuffer()) }
    : { ...answer, body: response.body };
}
