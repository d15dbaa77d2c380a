import { isRecord } from "#core/util/json.ts";
import type { ClusterAccess } from "./access.ts";
import { readBody } from "./answer.ts";
import type { KubeClient, Method, RequestOptions, WatchEvent, WatchOptions } from "./client.ts";
import { lines } from "./lines.ts";
import { createSender, type KubeResponse, requestFailure } from "./sender.ts";

const mostBytes = 32 * 1024 * 1024;
const mostLineBytes = 4 * 1024 * 1024;
const timeoutMs = 15_000;
/** For the head of an answer that then goes on. */
const headMs = 30_000;

/** Connects when first asked. Throws for a server that cannot be meant. */
export function openClient(access: ClusterAccess): KubeClient {
  const server = serverOf(access.server);
  const sender = createSender(server, access);

  /** The head of an answer that stays open. */
  async function open(path: string, what: string, signal: AbortSignal): Promise<KubeResponse> {
    const answer = await sender.send({
      what,
      method: "GET",
      path,
      isStream: true,
      signal,
      timeoutMs: headMs,
    });
    answer.whole.lift();
    return answer;
  }

  return {
    server: server.origin,
    request: async <T>(method: Method, path: string, options: RequestOptions = {}) => {
      const what = `${method} ${server.origin}${path.split("?", 1)[0]}`;
      const answer = await sender.send({
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
        throw requestFailure(what, reason, options.signal, whole);
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
        throw requestFailure(what, reason, signal, whole);
      } finally {
        response.destroy();
        whole[Symbol.dispose]();
      }
    },
    stream: async (path, { signal }) => {
      const what = `GET ${server.origin}${path.split("?", 1)[0]}`;
      return chunks(await open(path, what, signal), what, signal);
    },
    [Symbol.asyncDispose]: async () => sender.close(),
  };
}

async function* chunks(
  { response, whole }: KubeResponse,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } catch (reason) {
    throw requestFailure(what, reason, signal, whole);
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
