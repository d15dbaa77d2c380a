import type { Fields } from "./fields.ts";
import { type NameValue, readNameValues, readSecretStore } from "./name-value.ts";
import type { ResourceHead } from "./resource-head.ts";

export interface HttpEndpointDocument extends ResourceHead {
  readonly kind: "HTTPEndpoint";
  readonly spec: {
    readonly baseUrl: string;
    readonly headers: readonly NameValue[];
    /** Named as in `ClientTls`; absent where the document has no such section. */
    readonly clientTls?: readonly NameValue[];
  };
  readonly secretStore: string | undefined;
}

export function readHttpEndpoint(head: ResourceHead, fields: Fields): HttpEndpointDocument {
  const spec = fields.fields("spec");
  const baseUrl = spec.required("baseUrl");
  if (baseUrl !== "" && !/^https?:\/\/[^/]/i.test(baseUrl))
    spec.error("baseUrl", `is "${baseUrl}"; make it an address such as https://example.com`);
  const clientTls = readClientTls(spec);
  const endpoint: HttpEndpointDocument = {
    ...head,
    kind: "HTTPEndpoint",
    spec: {
      baseUrl,
      headers: readNameValues(spec, "headers"),
      ...(clientTls ? { clientTls } : {}),
    },
    secretStore: readSecretStore(fields),
  };
  spec.done();
  return endpoint;
}

const certificates = {
  rootCA: "rootCa",
  certificate: "certificate",
  privateKey: "privateKey",
} as const;
/** Dapr's documents and its CRD spell it differently. */
const renegotiations = ["Never", "OnceAsClient", "FreelyAsClient"].flatMap((word) => [
  word,
  `Renegotiate${word}`,
]);

function readClientTls(spec: Fields): readonly NameValue[] | undefined {
  if (!spec.has("clientTLS")) return undefined;
  const tls = spec.fields("clientTLS");
  // What a server asks for in mid-connection is TLS 1.2's; the platform's TLS decides, and 1.3 has none.
  tls.word("renegotiation", renegotiations);
  const found: NameValue[] = [];
  for (const [field, name] of Object.entries(certificates)) {
    if (!tls.has(field)) continue;
    const given = tls.fields(field);
    const value = given.text("value");
    const ref = given.fields("secretKeyRef");
    const secret = ref.text("name") ?? "";
    const key = ref.text("key") ?? "";
    ref.done();
    given.done();
    if (secret !== "") found.push({ name, secretKeyRef: { name: secret, key: key || secret } });
    else if (value) found.push({ name, value });
    else given.warn("value", "is missing, so it has no effect");
  }
  tls.done();
  return found;
}
