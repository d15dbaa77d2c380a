import { Refusal } from "./refusal.ts";

export type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

/** Dapr's HTTP API; what it answers with a status of 400 or more is thrown as a `Refusal`. */
export interface HttpWire {
  send(method: string, path: string, init?: Omit<RequestInit, "method">): Promise<Response>;
  /** A value as JSON. */
  post(path: string, value: unknown): Promise<Response>;
}

/** `headers` go with every call. */
export function httpWire(fetch: Fetch, headers: Readonly<Record<string, string>>): HttpWire {
  const send: HttpWire["send"] = async (method, path, init = {}) => {
    const all = new Headers(init.headers);
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const response = await fetch(path, { ...init, method, headers: all });
    if (response.status >= 400) throw await refusalOf(response);
    return response;
  };
  return {
    send,
    post: (path, value) =>
      send("POST", path, {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(value),
      }),
  };
}

async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text();
  if (!response.headers.get("content-type")?.startsWith("application/json"))
    return new Refusal(response.status, text);
  const { errorCode, message, details } = JSON.parse(text) as {
    readonly errorCode?: string;
    readonly message?: string;
    readonly details?: ReadonlyArray<{ readonly "@type": string; readonly reason?: string }>;
  };
  const info = details?.find((detail) => detail["@type"].endsWith("google.rpc.ErrorInfo"));
  return new Refusal(response.status, message ?? text, errorCode, info?.reason);
}

/** The body as JSON; `undefined` where there is none. */
export async function jsonOf<T>(response: Response): Promise<T | undefined> {
  const text = await response.text();
  return text === "" ? undefined : (JSON.parse(text) as T);
}
