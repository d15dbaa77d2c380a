import type { ResponseInit } from "#core/wire/grpc/rpcs.ts";
import type { GrpcRoutes } from "#core/wire/grpc/surface.ts";
import { getMetadata, type MetadataView, setMetadata } from "./operations.ts";

export function metadataGrpc(routes: GrpcRoutes): void {
  routes.unary("GetMetadata", getMetadata, () => undefined, write);
  routes.unary(
    "SetMetadata",
    setMetadata,
    ({ key, value }) => ({ key, value }),
    () => ({}),
  );
}

/** Numbers of the enums in runtime.v1's metadata. */
const runtimeStatus = { INITIALIZING: 0, DISABLED: 1, RUNNING: 2 } as const;
const subscriptionType = { DECLARATIVE: 1, PROGRAMMATIC: 2, STREAMING: 3 } as const;

function write(view: MetadataView): ResponseInit<"GetMetadata"> {
  const { actorRuntime, appConnectionProperties, scheduler } = view;
  const activeActors = (actorRuntime.activeActors ?? []).map(({ type, count = 0 }) => ({
    type,
    count,
  }));
  return {
    id: view.id,
    runtimeVersion: view.runtimeVersion,
    enabledFeatures: [...view.enabledFeatures],
    activeActorsCount: activeActors,
    registeredComponents: (view.components ?? []).map(({ capabilities, ...component }) => ({
      name: component.name,
      type: component.type,
      version: component.version,
      capabilities: [...(capabilities ?? [])],
    })),
    extendedMetadata: { ...view.extended },
    subscriptions: (view.subscriptions ?? []).map((each) => ({
      pubsubName: each.pubsubname,
      topic: each.topic,
      metadata: { ...each.metadata },
      deadLetterTopic: each.deadLetterTopic,
      type: subscriptionType[each.type],
      rules: { rules: each.rules.map(({ match, path }) => ({ match: match ?? "", path })) },
    })),
    httpEndpoints: [...(view.httpEndpoints ?? [])],
    ...(appConnectionProperties ? { appConnectionProperties } : {}),
    actorRuntime: {
      ...actorRuntime,
      runtimeStatus: runtimeStatus[actorRuntime.runtimeStatus],
      activeActors,
    },
    ...(scheduler ? { scheduler: { connectedAddresses: [...scheduler.connected_addresses] } } : {}),
    workflows: { connectedWorkers: 0 },
  };
}
