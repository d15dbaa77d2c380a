import type { OptionTable } from "#core/ports/manifest.ts";

/** Options of both manifests of `crypto.dapr.jwks`. */
export const jwksOptions: OptionTable = {
  jwks: {
    type: "string",
    required: true,
    sensitive: true,
    about:
      "The key set as JSON, as base64-encoded JSON, as an http(s) URL or, on platforms with files, as a path.",
  },
  requestTimeout: {
    type: "duration",
    default: "30s",
    about: "Timeout for fetching the key set from a URL.",
  },
  minRefreshInterval: {
    type: "duration",
    default: "10m",
    about: "Minimum time before a key set from a URL is fetched again on its next use.",
  },
};
