import { messageOf } from "#core/errors/component-error.ts";
import type { AppInstance } from "#core/hosting/app-instance.ts";
import type { Log } from "#core/ports/platform.ts";
import type { Documents, Kept } from "#core/hosting/reload/documents.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import { readDocuments } from "./read-documents.ts";
import type { NodeAppOptions } from "../options.ts";
import { type FileWatch, watchFiles } from "./watch-files.ts";

/** Keeps one app's documents as its files are. */
export interface HotReload {
  /** Reads them now. Never rejects. */
  reload(): Promise<void>;
  stop(): void;
}

/** Dapr's, for what the watch may have missed. */
const reconcileMs = 60_000;

/** Watches the app's files; with the feature `HotReload` off, only `reload` reads them. */
export async function startHotReload(
  app: NodeAppOptions,
  hosted: Pick<AppInstance, "update">,
  { features }: Pick<Configuration, "features">,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<HotReload> {
  const fields = { app_id: app.appId };
  const read = (): Promise<Documents | Kept> =>
    (app.documents?.read() ?? readDocuments(app, env, log)).catch((reason: unknown) => ({
      kept: messageOf(reason),
    }));
  async function changed(documents: Documents | Kept): Promise<void> {
    if ("kept" in documents)
      log.error(
        `Cannot reload resources; the previous ones stay in use: ${documents.kept}`,
        fields,
      );
    await hosted
      .update(documents)
      .catch((reason: unknown) =>
        log.error(`Cannot reload resources: ${messageOf(reason)}`, fields),
      );
  }
  const isHot = features.get("HotReload") === true;
  if (app.documents) {
    const now = async (): Promise<void> => changed(await read());
    const off = isHot ? app.documents.onChange(() => void now()) : undefined;
    return { reload: now, stop: () => off?.() };
  }
  const paths = [...app.resourcesPaths, ...app.configPaths];
  const isWatched = isHot && paths.length > 0;
  const watching: FileWatch | undefined = isWatched
    ? await watchFiles({ paths, everyMs: app.reconcileMs || reconcileMs, read, changed })
    : undefined;
  return {
    reload: async () => (watching ? watching.now() : changed(await read())),
    stop: () => watching?.stop(),
  };
}
