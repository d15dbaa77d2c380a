import { askApp } from "#core/blocks/_shared/ask-app.ts";
import type { App } from "#core/kernel/app.ts";
import { appConfiguration } from "#core/kernel/app-configuration.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Platform } from "#core/ports/platform.ts";

/**
 * Asks an HTTP app for its configuration, once, as it starts. Dapr: whatever it answers, the start goes on.
 */
export async function loadAppConfiguration(
  app: App,
  isWanted: boolean,
  { clock, log }: Pick<Platform, "clock" | "log">,
  options: CallOptions,
): Promise<void> {
  const { channel, connection } = app;
  if (!channel || connection?.protocol.startsWith("grpc")) return;
  const fields = { app_id: app.appId };
  if (!isWanted) {
    log.warn(
      "Skipping programmatic dapr configuration loading (see 'disable-init-endpoints' flag/annotation)",
      fields,
    );
    return;
  }
  try {
    const { status, text } = await askApp(app, channel, path, undefined, clock, options);
    if (status === 200 && text !== undefined && text !== "")
      app.part(appConfiguration).answer = JSON.parse(text);
    log.info("Application configuration loaded", fields);
  } catch (reason) {
    if (!options.signal.aborted)
      log.debug(`The app did not answer GET ${path}: ${messageOf(reason)}`, fields);
  }
}

const path = "/dapr/config";
