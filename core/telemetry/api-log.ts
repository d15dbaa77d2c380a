import type { Answer } from "#core/http/answer.ts";
import type { HttpInput } from "#core/http/input.ts";
import { cleanPath, decodePath, splitTarget } from "#core/http/path.ts";
import { findTarget } from "#core/invoke/find-target.ts";
import type { Operation } from "#core/operation.ts";
import type { Log } from "#core/ports/platform.ts";
import type { ApiLoggingSettings } from "#core/resources/api-logging.ts";
import { sizeOf } from "#core/util/bytes.ts";
import { watchBody } from "#core/util/watch-body.ts";

/** One line for each call of an app's API. Absent on an app whose calls are not logged. */
export interface ApiLog {
  /** A call that begins; `undefined` for one that is left out. */
  http(input: HttpInput, operation: LoggedOperation): HttpCallLog | undefined;
  grpc(method: string, code: number, ms: number, userAgent: string | undefined): void;
}
type LoggedOperation = Pick<Operation<never, unknown>, "name" | "endpoint" | "exempt">;
export interface HttpCallLog {
  /** The answer, which is logged once it has gone out. */
  note(answer: Answer): Answer;
}

export interface ApiLogOptions {
  readonly appId: string;
  readonly settings: ApiLoggingSettings;
  /** `--enable-api-logging`, where it is given; it wins over the settings. */
  readonly flag: boolean | undefined;
  readonly log: Log;
}

export function createApiLog({ appId, settings, flag, log }: ApiLogOptions): ApiLog | undefined {
  if (!(flag ?? settings.enabled)) return undefined;
  const write = (scope: string, message: string, fields: object): void =>
    log.info(message, { app_id: appId, scope: `dapr.runtime.${scope}`, ...fields });
  return {
    http: (input, operation) => {
      if (settings.omitHealthChecks && operation.exempt?.token) return undefined;
      const began = performance.now();
      const ended = (status: number, size: number): void =>
        write("http-info", "HTTP API Called", {
          method: settings.obfuscateUrls ? obfuscated(input, operation) : methodAndPath(input),
          code: status,
          duration: wholeMs(began),
          size,
          ...agent(input.header("user-agent")),
        });
      return {
        note: (answer) => {
          const { body, status } = answer;
          if (body instanceof ReadableStream)
            return { ...answer, body: watchBody(body, (bytes) => ended(status, bytes)) };
          ended(status, body === undefined ? 0 : sizeOf(body));
          return answer;
        },
      };
    },
    grpc: (method, code, ms, userAgent) =>
      write("grpc.api-info", "gRPC API Called", {
        method,
        code,
        duration: Math.floor(ms),
        ...agent(userAgent),
      }),
  };
}

function agent(userAgent: string | undefined): object {
  return userAgent ? { useragent: userAgent } : {};
}
function wholeMs(began: number): number {
  return Math.floor(performance.now() - began);
}

function methodAndPath({ request, target }: HttpInput): string {
  return `${request.method} ${decodePath(cleanPath(splitTarget(target).path))}`;
}

/** Says which app is called, but not which method of it. */
function obfuscated(input: HttpInput, { name, endpoint }: LoggedOperation): string {
  if (name !== "invoke.call") return endpoint;
  try {
    return `${endpoint}/${findTarget(input).id}`;
  } catch {
    return endpoint;
  }
}
