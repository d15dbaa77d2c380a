import { cleanPath, decodePath, splitTarget } from "#core/util/path.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import type { ApiLoggingSettings } from "#core/resources/api-logging.ts";

/** One line for each call of an app's API. Absent on an app whose calls are not logged. */
export interface ApiLog {
  /** A call that begins; `undefined` for one that is left out. */
  http(call: LoggedCall): HttpCallLog | undefined;
  grpc(method: string, code: number, ms: number, userAgent: string | undefined): void;
}
export interface LoggedCall {
  readonly method: string;
  /** The request-target as it stood on the wire. */
  readonly target: string;
  readonly userAgent: string | undefined;
  /** Of those that keep asking whether the app is well. */
  readonly isProbe: boolean;
}
export interface HttpCallLog {
  /** The answer has gone out. `obfuscated`: what is said instead of method and path where those are not to be seen. */
  ended(status: number, bytes: number, obfuscated: string): void;
}

export interface ApiLogOptions {
  readonly appId: string;
  readonly settings: ApiLoggingSettings;
  /** `--enable-api-logging`, where it is given; it wins over the settings. */
  readonly flag: boolean | undefined;
  readonly clock: Pick<Clock, "monotonic">;
  readonly log: Log;
}

export function createApiLog(options: ApiLogOptions): ApiLog | undefined {
  const { appId, settings, flag, clock, log } = options;
  if (!(flag ?? settings.enabled)) return undefined;
  const write = (scope: string, message: string, fields: object): void =>
    log.info(message, { app_id: appId, scope: `dapr.runtime.${scope}`, ...fields });
  return {
    http: ({ method, target, userAgent, isProbe }) => {
      if (settings.omitHealthChecks && isProbe) return undefined;
      const began = clock.monotonic();
      return {
        ended: (code, size, obfuscated) =>
          write("http-info", "HTTP API Called", {
            method: settings.obfuscateUrls ? obfuscated : methodAndPath(method, target),
            code,
            duration: Math.floor(clock.monotonic() - began),
            size,
            ...agent(userAgent),
          }),
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

function methodAndPath(method: string, target: string): string {
  return `${method} ${decodePath(cleanPath(splitTarget(target).path))}`;
}
