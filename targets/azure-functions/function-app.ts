import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { manifests } from "#components/_registry/azure-functions.gen.ts";
import type { Resource } from "#core/resources/resource.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { AppChannel, Log } from "#core/ports/platform.ts";
import { clock } from "#targets/_shared/clock.ts";
import { fetchChannel } from "#targets/_shared/fetch-channel.ts";
import { fireCron } from "#targets/_shared/fire-cron.ts";
import { type OneApp, openOneApp, readResources } from "#targets/_shared/one-app.ts";
import { readSettings, type Settings } from "#targets/_shared/settings.ts";
import { functionsPlatform } from "./platform.ts";
import { remoteAddressOf, toRequest } from "./request.ts";
import { readFolder } from "./resources.ts";
import { toResponseInit } from "./response.ts";
import { type Timer, timersOf } from "./timers.ts";

/** What the platform's triggers call. */
export interface FunctionApp {
  http(request: HttpRequest): Promise<HttpResponseInit>;
  readonly timers: readonly Timer[];
  /** Rejects when the app must get the event again. */
  timer(binding: string): Promise<void>;
}

/** Reads settings and resources at once, since triggers are registered while the app loads; opens the runtime with the first event. */
export function createFunctionApp(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): FunctionApp {
  const settings = readSettings(env);
  const folder = env["OUTRIGGER_RESOURCES_PATH"];
  const resources = readResources(
    [...(folder === undefined || folder === "" ? [] : readFolder(folder)), ...settings.resources],
    log,
  );
  let opening: Promise<OneApp> | undefined;
  const opened = (): Promise<OneApp> => {
    if (opening) return opening;
    const current = open(settings, resources, env, log);
    current.catch(() => {
      if (opening === current) opening = undefined;
    });
    return (opening = current);
  };
  return {
    http: async (request) => {
      let app: OneApp;
      try {
        app = await opened();
      } catch (reason) {
        log.error(`Cannot open the runtime: ${messageOf(reason)}`);
        return { status: 500, jsonBody: { errorCode: "ERROR", message: messageOf(reason) } };
      }
      return toResponseInit(await app.fetch(toRequest(request), remoteAddressOf(request)));
    },
    timers: timersOf(resources, settings, log),
    timer: async (binding) => fireCron((await opened()).app, [binding], clock.now()),
  };
}

function open(
  settings: Settings,
  resources: readonly Resource[],
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<OneApp> {
  const channel = channelOf(settings);
  return openOneApp({
    platform: functionsPlatform(env, log),
    target: "azure-functions",
    manifests,
    settings,
    resources,
    ...(channel ? { channel } : {}),
  });
}

function channelOf({ appUrl }: Settings): AppChannel | undefined {
  return appUrl === undefined
    ? undefined
    : fetchChannel({ base: appUrl, fetch: (url, init) => fetch(url, init), encodesAgain: false });
}
