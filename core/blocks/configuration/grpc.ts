import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import type { ConfigurationItems } from "#core/ports/configuration-store.ts";
import {
  type GetConfiguration,
  getConfiguration,
  streamConfiguration,
  unsubscribeConfiguration,
} from "./operations.ts";

export function configurationGrpc(routes: GrpcRoutes): void {
  for (const version of ["", "Alpha1"] as const) {
    routes.unary(`GetConfiguration${version}`, getConfiguration, readGet, (items) => ({
      items: fieldsOf(items),
    }));
    routes.serverStream(
      `SubscribeConfiguration${version}`,
      streamConfiguration,
      readGet,
      ({ id, items }) => ({ id, items: fieldsOf(items) }),
    );
    routes.unary(
      `UnsubscribeConfiguration${version}`,
      unsubscribeConfiguration,
      // Dapr: does not look at the store.
      ({ id }) => ({ id }),
      ({ id, ok }) => ({ ok, message: ok ? "" : notSubscribed(id) }),
    );
  }
}

function readGet({
  storeName,
  keys,
}: {
  readonly storeName: string;
  readonly keys: readonly string[];
}): GetConfiguration {
  return { store: storeName, keys };
}

function notSubscribed(id: string): string {
  return `failed to unsubscribe to configuration request ${id}: subscription does not exist`;
}

function fieldsOf(items: ConfigurationItems) {
  return Object.fromEntries(
    Object.entries(items).map(([key, { value, version, metadata }]) => [
      key,
      { value, version, metadata: { ...metadata } },
    ]),
  );
}
