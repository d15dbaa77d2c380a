import { type RouteResponse, json, noContent } from "#core/wire/http/response.ts";
import type { HttpInput } from "#core/wire/http/input.ts";
import { splitTarget } from "#core/util/path.ts";
import type { HttpRoutes } from "#core/wire/http/surface.ts";
import type { ConfigurationItems } from "#core/ports/configuration-store.ts";
import { jsonItems } from "./json-items.ts";
import {
  type GetConfiguration,
  getConfiguration,
  subscribeConfiguration,
  unsubscribeConfiguration,
} from "./operations.ts";

export function configurationHttp(routes: HttpRoutes): void {
  for (const version of ["v1.0", "v1.0-alpha1"]) {
    const path = `/${version}/configuration/:store`;
    routes.on(["GET"], path, getConfiguration, readGet, writeItems);
    routes.on(["GET"], `${path}/subscribe`, subscribeConfiguration, readGet, (id) => json({ id }));
    routes.on(
      ["GET"],
      `${path}/:id/unsubscribe`,
      unsubscribeConfiguration,
      (input) => ({ store: input.param("store"), id: input.param("id") }),
      ({ id, ok }) => (ok ? json({ ok }) : unknownSubscription(id)),
    );
  }
}

function readGet(input: HttpInput): GetConfiguration {
  const { query } = splitTarget(input.target);
  return { store: input.param("store"), keys: new URLSearchParams(query).getAll("key") };
}

function writeItems(items: ConfigurationItems): RouteResponse {
  return Object.keys(items).length === 0 ? noContent : json(jsonItems(items));
}

/** Dapr: an answer of its own form, without an error code. */
function unknownSubscription(id: string): RouteResponse {
  const why = `subscription with id ${id} does not exist`;
  return json({ message: `failed to unsubscribe to configuration request ${id}: ${why}` }, 500);
}
