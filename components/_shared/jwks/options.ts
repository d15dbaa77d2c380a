import type { OptionTable } from "#core/ports/manifest.ts";

/** What both cards of `crypto.dapr.jwks` take. */
export const jwksOptions: OptionTable = {
  jwks: {
    type: "string",
    required: true,
    sensitive: true,
    about: "The key set: JSON, that in base64, an http(s) URL or, where there are files, a path.",
  },
  requestTimeout: {
    type: "duration",
    default: "30s",
    about: "How long fetching a URL may take.",
  },
  minRefreshInterval: {
    type: "duration",
    default: "10m",
    about: "A set from a URL is fetched again when it is used after this time, and not before.",
  },
};
