import { configurationSubscriptions } from "./subscriptions.ts";
import type { App } from "#core/kernel/app.ts";
import { eventHeaders } from "#core/blocks/_shared/event-headers.ts";
import { messageOf } from "#core/errors/component-error.ts";
import { cleanPath, encodePath } from "#core/util/path.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type { ConfigurationItems } from "#core/ports/configuration-store.ts";
import type { AppChannel } from "#core/ports/platform.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import { jsonItems } from "./json-items.ts";

export interface ConfigurationUpdate {
  /** Of the subscription. */
  readonly id: string;
  readonly items: ConfigurationItems;
}

/** Tells the app, once for each key that changed, each time all of the update. What the app answers changes nothing: it is logged. */
export async function postUpdate(
  app: App,
  channel: AppChannel,
  store: string,
  { id, items }: ConfigurationUpdate,
  options: CallOptions,
): Promise<void> {
  const body = `${JSON.stringify({ id, items: jsonItems(items) })}\n`;
  for (const key of Object.keys(items)) {
    const path = updatePath(store, key);
    const refused = (why: string): void =>
      app
        .part(configurationSubscriptions)
        .log.error(`Cannot tell the app that configuration "${key}" has changed: ${why}`, {
          app_id: app.appId,
          component: store,
        });
    try {
      const headers = eventHeaders(app, noMetadata);
      const response = await channel.send({ method: "POST", path, headers, body }, options);
      discard(response);
      const { status } = response;
      if (status < 200 || status > 299) refused(`POST ${path} answered ${status}`);
    } catch (reason) {
      refused(messageOf(reason));
    }
  }
}

/** Dapr: the key stands in the path as it is. One that would name another path of the app is encoded as a whole. */
function updatePath(store: string, key: string): string {
  const path = `/configuration/${store}/${key}`;
  if (cleanPath(path) === path) return encodePath(path);
  return encodePath(`/configuration/${store}/`) + encodeURIComponent(key.toWellFormed());
}
