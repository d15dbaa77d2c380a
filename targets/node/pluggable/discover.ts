import { readdir } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { messageOf } from "#core/errors/component-error.ts";
import type { Manifest } from "#core/ports/manifest.ts";
import type { Platform } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";

/** Longest time that a socket which does not answer holds the start up. */
const limitMs = 3000;
const defaultFolder = "/tmp/dapr-components-sockets";

/** The manifests, and before them those of the components behind the sockets in `DAPR_COMPONENTS_SOCKETS_FOLDER`. Looks once: who comes later is found at the next start, as with Dapr. */
export async function withPluggable(
  manifests: readonly Manifest[],
  { env, log, clock }: Pick<Platform, "env" | "log" | "clock">,
): Promise<readonly Manifest[]> {
  const folder = resolve(env["DAPR_COMPONENTS_SOCKETS_FOLDER"] || defaultFolder);
  const sockets = await socketsIn(folder, log);
  if (sockets.length === 0) return manifests;
  // What speaks gRPC is loaded for those who use it only.
  const { listServices } = await import("./list-services.ts");
  const { manifestsOf } = await import("./manifests.ts");
  const found = await Promise.all(
    sockets.map(async ({ name, socket }): Promise<readonly Manifest[]> => {
      try {
        const services = await within(clock, limitMs, {}, (options) =>
          listServices(socket, options),
        );
        const offered = manifestsOf({ socket, name, services });
        const types = offered.map(({ type, kind }) => `${type} (${kind})`);
        if (types.length > 0)
          log.info(`Pluggable component found: ${types.join(", ")}`, { socket });
        else
          log.warn("The process behind a socket offers no component; it is left out", { socket });
        return offered;
      } catch (reason) {
        log.warn(
          `Cannot ask for the components behind a socket; it is left out: ${messageOf(reason)}`,
          { socket },
        );
        return [];
      }
    }),
  );
  const pluggable = found.flat();
  return [...pluggable, ...manifests.flatMap((manifest) => without(pluggable, manifest))];
}

async function socketsIn(
  folder: string,
  log: Platform["log"],
): Promise<ReadonlyArray<{ readonly name: string; readonly socket: string }>> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const sockets = entries.filter((entry) => {
      if (!entry.isSocket() && !entry.isDirectory())
        log.warn(
          "A file among the sockets of pluggable components is not a socket; it is left out",
          {
            file: join(folder, entry.name),
          },
        );
      return entry.isSocket();
    });
    return sockets.map((entry) => ({
      name: parse(entry.name).name,
      socket: join(folder, entry.name),
    }));
  } catch (reason) {
    const missing = reason instanceof Error && "code" in reason && reason.code === "ENOENT";
    if (!missing)
      log.warn(`Cannot look for pluggable components: ${messageOf(reason)}`, { folder });
    return [];
  }
}

/** Dapr: a pluggable component takes the place of a built-in one of the same type. */
function without(pluggable: readonly Manifest[], manifest: Manifest): readonly Manifest[] {
  const taken = new Set(
    pluggable.filter(({ kind }) => kind === manifest.kind).map(({ type }) => type),
  );
  if (taken.has(manifest.type)) return [];
  const { aliases } = manifest;
  return aliases?.some((alias) => taken.has(alias))
    ? [{ ...manifest, aliases: aliases.filter((alias) => !taken.has(alias)) }]
    : [manifest];
}
