import type { Log } from "#core/ports/platform.ts";
import { KubeError } from "./client.ts";

/** Tells of the troubles of a watch once each, not at each try. */
export interface WatchLog {
  failed(reason: unknown): void;
  /** It goes on as it should. */
  recovered(): void;
}

export function createWatchLog(path: string, log: Log): WatchLog {
  let complaint = "";
  return {
    failed: (reason) => {
      const code = reason instanceof KubeError ? reason.code : 0;
      const message = reason instanceof Error ? reason.message : String(reason);
      // Once for each kind of trouble, not for each try.
      if (complaint === String(code)) log.debug(`Still no watch of ${path}: ${message}`);
      else log.warn(`${troubles[code] ?? "Lost the watch"} (${path}): ${message}`);
      complaint = String(code);
    },
    recovered: () => {
      if (complaint !== "") log.info(`${path} is watched again`);
      complaint = "";
    },
  };
}

const troubles: Readonly<Record<number, string>> = {
  401: "The API server does not accept our credentials",
  403: "The verbs list and watch are not granted; tried again every 30 s",
  404: "The API server has no such resource, is its CustomResourceDefinition installed? Tried again every 30 s",
};
