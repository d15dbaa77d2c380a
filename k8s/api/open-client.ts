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
/** No part of a request's time: a program that gives credentials may have to ask others, and has a minute. */
const credentialsMs = 75_000;

interface Call {
  /** For messages. */
  readonly what: string;
  readonly method: Method;
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly isStream: boolean;
  readonly signal: AbortSignal | undefined;
  /** Until the whole answer is there; of a stream its head. */
  readonly timeoutMs: number;
}
/** One of 200 to 299; whoever has it disposes of `whole`. */
interface Answer {
  readonly response: IncomingMessage;
  readonly whole: Limit;
}

/** Connects when first asked. Throws for a server that cannot be meant. */
export function openClient(access: ClusterAccess): KubeClient {
  const server = serverOf(access.server);
  const connections = openConnections(server);
  let isClosed = false;

  async function send(call: Call): Promise<Answer> {
    const credentials = await credentialsFor(call);
    try {
      return await attempt(call, credentials);
    } catch (reason) {
      if (!(reason instanceof KubeError) || reason.code !== 401) throw reason;
      const renewed = await credentialsFor(call, credentials);
      if (renewed === credentials) throw reason;
      return attempt(call, renewed);
    }
  }
  async function credentialsFor(
    { what, path, signal }: Call,
    refused?: Credentials,
  ): Promise<Credentials> {
    using asking = limit(signal, credentialsMs);
    try {
      if (isClosed) throw new Error("the client is closed");
      if (!path.startsWith("/")) throw new Error("the path does not begin with a slash");
      return await untilAborted(access.credentials(refused), asking.signal);
    } catch (reason) {
      throw failure(what, reason, signal, asking);
    }
  }
  async function attempt(call: Call, credentials: Credentials): Promise<Answer> {
    const whole = limit(call.signal, call.timeoutMs);
    try {
      const response = await exchange(call, credentials, whole.signal);
      await checkStatus(response, call.what);
      return { response, whole };
    } catch (reason) {
      whole[Symbol.dispose]();
      throw failure(call.what, reason, call.signal, whole);
    }
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
  async function open(path: string, what: string, signal: AbortSignal): Promise<Answer> {
    const call = { what, method: "GET", path, isStream: true, signal, timeoutMs: headMs } as const;
    const answer = await send(call);
    answer.whole.lift();
    return answer;
  }

  return {
    server: server.origin,
    request: async <T>(method: Method, path: string, options: RequestOptions = {}) => {
      const what = `${method} ${server.origin}${path.split("?", 1)[0]}`;
      const answer = await send({
        what,
        method,
        path,
        isStream: false,
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        contentType:
          options.contentType ?? (method === "PATCH" ? "application/merge-patch+json" : undefined),
        signal: options.signal,
        timeoutMs: options.timeoutMs ?? timeoutMs,
      });
      const { response } = answer;
      using whole = answer.whole;
      try {
        const text = await readBody(response, options.maxBytes ?? mostBytes);
        return (text === "" ? undefined : parse(text)) as T;
      } catch (reason) {
        throw failure(what, reason, options.signal, whole);
      }
    },
    watch: async function* <T>(path: string, { signal, opened }: WatchOptions) {
      const what = `watch of ${server.origin}${path.split("?", 1)[0]}`;
      const { response, whole } = await open(path, what, signal);
      try {
        opened?.();
        for await (const line of lines(response, mostLineBytes)) {
          const event = parse(line);
          if (!isRecord(event) || typeof event["type"] !== "string" || !isRecord(event["object"]))
            throw new Error("a line is not an event");
          yield event as unknown as WatchEvent<T>;
        }
      } catch (reason) {
        throw failure(what, reason, signal, whole);
      } finally {
        response.destroy();
        whole[Symbol.dispose]();
      }
    },
    stream: async (path, { signal }) => {
      const what = `GET ${server.origin}${path.split("?", 1)[0]}`;
      return chunks(await open(path, what, signal), what, signal);
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      connections.close();
    },
  };
}

async function* chunks(
  { response, whole }: Answer,
  what: string,
  signal: AbortSignal,
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

/** A text that is not valid JSON is the server's fault, or of something between. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (reason) {
    throw new Error("what was answered is not valid JSON", { cause: reason });
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
