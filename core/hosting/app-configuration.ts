import { askApp } from "#core/blocks/_shared/ask-app.ts";
import type { App } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Platform } from "#core/ports/platform.ts";
import { isRecord } from "#core/util/json.ts";

/**
 * Asks an HTTP app for its configuration, once, as it starts. Dapr: whatever it answers, the start goes on. What it says
 * is about actors, which are not there yet, and an app that has some is worth a word.
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
    const entities = status === 200 ? entitiesIn(text) : [];
    log.info("Application configuration loaded", fields);
    if (entities.length > 0)
      log.warn(
        `The app has actors (${listed(entities)}), which Outrigger does not support yet: they cannot be called`,
        fields,
      );
  } catch (reason) {
    if (!options.signal.aborted)
      log.debug(`The app did not answer GET ${path}: ${messageOf(reason)}`, fields);
  }
}

const path = "/dapr/config";

const mostNames = 20;
const longestName = 100;
/** For the log: an app may say whatever it likes. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).map((name) => name.slice(0, longestName));
  return names.length > mostNames ? `${shown.join(", ")}, …` : shown.join(", ");
}

function entitiesIn(text: string | undefined): readonly string[] {
  const value: unknown = JSON.parse(text === undefined || text === "" ? "{}" : text);
  const entities = isRecord(value) ? value["entities"] : undefined;
  return Array.isArray(entities) ? entities.filter((each) => typeof each === "string") : [];
}
