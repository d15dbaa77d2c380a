import type { Fields } from "./fields.ts";

/** `logging.apiLogging`. */
export interface ApiLoggingSettings {
  readonly enabled: boolean;
  /** True: the name of the endpoint in place of the URL. */
  readonly obfuscateUrls: boolean;
  readonly omitHealthChecks: boolean;
}

export function readApiLogging(logging: Fields): ApiLoggingSettings {
  const fields = logging.fields("apiLogging");
  const settings = {
    enabled: fields.boolean("enabled") ?? false,
    obfuscateUrls: fields.boolean("obfuscateURLs") ?? false,
    omitHealthChecks: fields.boolean("omitHealthChecks") ?? false,
  };
  fields.done();
  return settings;
}
