import { SecretStore as Service } from "#core/wire/grpc/gen/dapr/proto/components/v1/secretstore_pb.js";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Secret, SecretStore } from "#core/ports/secret-store.ts";
import { type Endpoint, type Link, openLink } from "./link.ts";
import { readFeatures } from "./features.ts";

/** A secret store in another process; what `features` has, the metadata API lists. */
export async function openSecretStore(
  endpoint: Endpoint,
  spec: ComponentSpec,
  host: Host,
): Promise<SecretStore & { readonly features: readonly string[] }> {
  const { get, bulkGet, ping, init, features } = Service.method;
  const link: Link = await openLink(endpoint, spec, host, (wire, properties, options) =>
    wire.unary(init, { metadata: { properties } }, options),
  );
  return {
    features: await readFeatures(link, host, features),
    get: async (key, metadata, options) => {
      const { data } = await link.unary(get, { key, metadata: { ...metadata } }, options);
      // Dapr: a store says by an empty answer that it has no such secret.
      return Object.keys(data).length === 0 ? undefined : data;
    },
    list: async (metadata, options) => {
      const { data } = await link.unary(bulkGet, { metadata: { ...metadata } }, options);
      const secrets: Array<[string, Secret]> = [];
      for (const [name, { secrets: values }] of Object.entries(data)) secrets.push([name, values]);
      return Object.fromEntries(secrets);
    },
    ping: async (options) => void (await link.unary(ping, {}, options)),
    [Symbol.asyncDispose]: async () => link.close(),
  };
}
