import { optionsOf } from "#components/_shared/options.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { coordination } from "./manifest.ts";
import { readFileSettings, type SqliteSettings } from "./settings.ts";

export interface CoordinationSettings extends Pick<
  SqliteSettings,
  "location" | "pragmas" | "waitMs"
> {
  /** Runtimes of other groups are not seen. */
  readonly group: string;
}

export function readCoordinationSettings(spec: ComponentSpec): CoordinationSettings {
  const { options } = coordination;
  return {
    ...readFileSettings(spec, options),
    group: optionsOf(spec, options).text("group") ?? "",
  };
}
