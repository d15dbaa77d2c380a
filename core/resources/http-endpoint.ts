import type { Fields } from "./fields.ts";
import { type NameValue, readNameValues, readSecretStore } from "./name-value.ts";
import type { ResourceHead } from "./resource-head.ts";

export interface HttpEndpointDocument extends ResourceHead {
  readonly kind: "HTTPEndpoint";
  readonly spec: {
    readonly baseUrl: string;
    readonly headers: readonly NameValue[];
  };
  readonly secretStore: string | undefined;
}

export function readHttpEndpoint(head: ResourceHead, fields: Fields): HttpEndpointDocument {
  const spec = fields.fields("spec");
  const baseUrl = spec.required("baseUrl");
  if (baseUrl !== "" && !/^https?:\/\/[^/]/i.test(baseUrl))
    spec.error("baseUrl", `is "${baseUrl}"; make it an address such as https://example.com`);
  if (spec.has("clientTLS"))
    spec.error("clientTLS", "cannot be used: this version sends no client certificates");
  const endpoint: HttpEndpointDocument = {
    ...head,
    kind: "HTTPEndpoint",
    spec: { baseUrl, headers: readNameValues(spec, "headers") },
    secretStore: readSecretStore(fields),
  };
  spec.done();
  return endpoint;
}
