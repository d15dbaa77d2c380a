import { type Fail, failWith } from "#core/errors/api-error.ts";

export const metadataErrors = {
  ERR_BODY_READ: { http: 400, grpc: 3 },
  /** Not in Dapr, which keeps any number of entries. */
  ERR_METADATA_LIMIT: { http: 429, grpc: 8 },
} as const;

export const metadataError: Fail<typeof metadataErrors> = failWith(metadataErrors);
