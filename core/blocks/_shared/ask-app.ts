import type { App } from "#core/kernel/app.ts";
import { tokenHeader } from "#core/gate/token.ts";
import type { AppCallback } from "#core/ports/app-callback.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, Clock } from "#core/ports/platform.ts";
import { answerText } from "./app-answer.ts";
import { jsonType } from "#core/util/content-types.ts";
import { within } from "#core/util/time-limit.ts";

const limitMs = 30_000;

export interface AppAnswer {
  readonly status: number;
  /** `undefined` past 1 MiB, or where it broke off. */
  readonly text: string | undefined;
}

/** Asks the app something about itself, once, for at most 30 s. */
export async function askApp(
  app: App,
  channel: AppChannel,
  path: string,
  callback: AppCallback | undefined,
  clock: Clock,
  options: CallOptions,
): Promise<AppAnswer> {
  const headers = ["content-type", jsonType, "dapr-app-id", app.appId];
  if (app.identity.appToken !== undefined) headers.push(tokenHeader, app.identity.appToken);
  const request = { method: "GET", path, headers, ...(callback ? { callback } : {}) };
  return within(clock, limitMs, options, async (limited) => {
    const response = await channel.send(request, limited);
    return { status: response.status, text: await answerText(response) };
  });
}
