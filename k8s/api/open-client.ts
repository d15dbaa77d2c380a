import type { IncomingMessage } from "node:http";
import { isRecord } from "#core/util/json.ts";
import type { ClusterAccess, Credentials } from "./access.ts";
import { checkStatus, readBody } from "./answer.ts";
import {
  type KubeClient,
  KubeError,
  type Method,
  type RequestOptions,
  type WatchEvent,
  type WatchOptions,
} from "./client.ts";
import { openConnections } from "./connections.ts";
import { limit, type Limit, untilAborted } from "./limit.ts";
import { lines } from "./lines.ts";

const mostBytes = 32 * 1024 * 1024;
const mostLineBytes = 4 * 1024 * 1024;
const timeoutMs = 15_000;
/** For the head of an answer that then goes on. */
const headMs = 30_000;

interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly isStream: boolean;
}

/** Connects when first asked. Throws for a server that cannot be meant. */
export function openClient(access: ClusterAccess): KubeClient {
  const server = serverOf(access.server);
  const connections = openConnections(server);
  let isClosed = false;

  async function send(call: Call, { signal }: Limit): Promise<IncomingMessage> {
    if (isClosed) throw new Error("the client is closed");
    if (!call.path.startsWith("/")) throw new Error("the path does not begin with a slash");
    const credentials = await untilAborted(access.credentials(), signal);
    const response = await exchange(call, credentials, signal);
    if (response.statusCode !== 401) return response;
    const renewed = await untilAborted(access.credentials(credentials), signal);
    if (renewed === credentials) return response;
    response.destroy();
    return exchange(call, renewed, signal);
  }
  function exchange(
    { method, path, body, contentType, isStream }: Call,
    credentials: Credentials,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const headers: Record<string, string> = {
      // The cluster's keys are of a type of their own, and a server that has no other answers 406.
      accept: isStream ? "*/*" : "application/json, */*;q=0.1",
      "user-agent": "outrigger",
    };
    if (credentials.token !== undefined) headers["authorization"] = `Bearer ${credentials.token}`;
    if (body !== undefined) {
      headers["content-type"] = contentType ?? "application/json";
      headers["content-length"] = String(Buffer.byteLength(body));
    }
    return connections.send({ method, path, headers, body, isStream }, credentials, signal);
  }
  /** The head of an answer that stays open. */
  async function open(path: string, what: string, whole: Limit): Promise<IncomingMessage> {
    const response = await send({ method: "GET", path, isStream: true }, whole);
    await checkStatus(response, what);
    whole.lift();
    return response;
  }

  return {
    server: server.origin,
    request: async <T>(method: Method, path: string, options: RequestOptions = {}) => {
      const what = `${method} ${server.origin}${path.split("?", 1)[0]}`;
      using whole = limit(options.signal, options.timeoutMs ?? timeoutMs);
      try {
        const response = await send(
          {
            method,
            path,
            isStream: false,
            ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
            contentType:
              options.contentType ??
              (method === "PATCH" ? "application/merge-patch+json" : undefined),
          },
          whole,
        );
        await checkStatus(response, what);
        const text = await readBody(response, options.maxBytes ?? mostBytes);
        return (text === "" ? undefined : parse(text)) as T;
      } catch (reason) {
        throw failure(what, reason, options.signal, whole);
      }
    },
    watch: async function* <T>(path: string, { signal, opened }: WatchOptions) {
      const what = `watch of ${server.origin}${path.split("?", 1)[0]}`;
      using whole = limit(signal, headMs);
      let response: IncomingMessage | undefined;
      try {
        response = await open(path, what, whole);
        opened?.();
        for await (const line of lines(response, mostLineBytes)) {
          const event = parse(line);
          if (!isRecord(event) || typeof event["type"] !== "string" || !isRecord(event["object"]))
            throw new Error("a line is no event");
          yield event as unknown as WatchEvent<T>;
        }
      } catch (reason) {
        throw failure(what, reason, signal, whole);
      } finally {
        response?.destroy();
      }
    },
    stream: async (path, { signal }) => {
      const what = `GET ${server.origin}${path.split("?", 1)[0]}`;
      const whole = limit(signal, headMs);
      try {
        return chunks(await open(path, what, whole), what, signal, whole);
      } catch (reason) {
        whole[Symbol.dispose]();
        throw failure(what, reason, signal, whole);
      }
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      connections.close();
    },
  };
}

async function* chunks(
  response: IncomingMessage,
  what: string,
  signal: AbortSignal,
  whole: Limit,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (reason) {
    throw failure(what, reason, signal, whole);
  } finally {
    response.destroy();
    whole[Symbol.dispose]();
  }
}

function serverOf(text: string): URL {
  const server = URL.parse(text);
  if (server === null || !/^https?:$/.test(server.protocol))
    throw new Error(`The address of the API server must be https://host:port, not "${text}"`);
  // Credentials and Secrets would cross a network in the clear.
  if (server.protocol === "http:" && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(server.hostname))
    throw new Error(`The API server must be reached over https, not "${text}"`);
  return server;
}

/** A text that is no JSON is the server's fault, or of something between. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (reason) {
    throw new Error("what was answered is no JSON", { cause: reason });
  }
}

function failure(
  what: string,
  reason: unknown,
  signal: AbortSignal | undefined,
  whole: Limit,
): unknown {
  if (signal?.aborted) return signal.reason;
  if (reason instanceof KubeError) return reason;
  if (whole.isOver) return new KubeError(`${what}: no answer in time`, { code: 0, cause: reason });
  const { message, code } = reason as NodeJS.ErrnoException;
  return new KubeError(`${what}: ${message || code || "failed"}`, { code: 0, cause: reason });
}
