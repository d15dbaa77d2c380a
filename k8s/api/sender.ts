import type { IncomingMessage } from "node:http";
import type { ClusterAccess, Credentials } from "./access.ts";
import { orAborted } from "#core/util/time-limit.ts";
import { checkStatus } from "./answer.ts";
import { KubeError, type Method } from "./client.ts";
import { openConnections } from "./connections.ts";
import { limit, type Limit } from "./limit.ts";

/** No part of a request's time: a program that gives credentials may have to ask others, and has a minute. */
const credentialsMs = 75_000;

export interface KubeRequest {
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
export interface KubeResponse {
  readonly response: IncomingMessage;
  readonly whole: Limit;
}

/** Sends requests with the credentials of the moment. */
export interface Sender {
  /** Tries once more with new credentials where the server does not accept those that there are. */
  send(request: KubeRequest): Promise<KubeResponse>;
  close(): void;
}

export function createSender(server: URL, access: ClusterAccess): Sender {
  const connections = openConnections(server);
  let isClosed = false;

  async function credentialsFor(
    { what, path, signal }: KubeRequest,
    refused?: Credentials,
  ): Promise<Credentials> {
    using asking = limit(signal, credentialsMs);
    try {
      if (isClosed) throw new Error("the client is closed");
      if (!path.startsWith("/")) throw new Error("the path does not begin with a slash");
      return await orAborted(access.credentials(refused), asking);
    } catch (reason) {
      throw requestFailure(what, reason, signal, asking);
    }
  }
  async function attempt(request: KubeRequest, credentials: Credentials): Promise<KubeResponse> {
    const whole = limit(request.signal, request.timeoutMs);
    try {
      const { method, path, body, isStream } = request;
      const headers = headersOf(request, credentials);
      const response = await connections.send(
        { method, path, headers, body, isStream },
        credentials,
        whole.signal,
      );
      await checkStatus(response, request.what);
      return { response, whole };
    } catch (reason) {
      whole[Symbol.dispose]();
      throw requestFailure(request.what, reason, request.signal, whole);
    }
  }
  return {
    send: async (request) => {
      const credentials = await credentialsFor(request);
      try {
        return await attempt(request, credentials);
      } catch (reason) {
        if (!(reason instanceof KubeError) || reason.code !== 401) throw reason;
        const renewed = await credentialsFor(request, credentials);
        if (renewed === credentials) throw reason;
        return attempt(request, renewed);
      }
    },
    close: () => {
      isClosed = true;
      connections.close();
    },
  };
}

function headersOf(
  { body, contentType, isStream }: KubeRequest,
  { token }: Credentials,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {
    // The cluster's keys are of a type of their own, and a server that has no other answers 406.
    accept: isStream ? "*/*" : "application/json, */*;q=0.1",
    "user-agent": "outrigger",
  };
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  if (body !== undefined) {
    headers["content-type"] = contentType ?? "application/json";
    headers["content-length"] = String(Buffer.byteLength(body));
  }
  return headers;
}

/** What a request is rejected with. */
export function requestFailure(
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
