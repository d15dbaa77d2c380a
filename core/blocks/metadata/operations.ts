import { metadataError } from "./errors.ts";
import { extendedMetadata } from "./extended-metadata.ts";
import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { streamingSubscriptions } from "#core/blocks/pubsub/streaming-subscriptions.ts";
import { actorView, type ActorRuntimeView } from "#core/kernel/actor-view.ts";
import type { App, AppConnection } from "#core/kernel/app.ts";
import { appCoordination } from "#core/kernel/coordination.ts";
import { defineOperation, type Operation } from "#core/kernel/operation.ts";
import type { SubscriptionView } from "#core/kernel/subscription-view.ts";
import { describePlainly } from "#core/kernel/facts/describe.ts";

/** What the runtime says of itself and of one app, in the wire's own shape; empty fields are left out. */
export interface MetadataView {
  readonly id: string;
  readonly runtimeVersion: string;
  readonly enabledFeatures: readonly string[];
  readonly components?: readonly ComponentView[];
  readonly extended: Readonly<Record<string, string>>;
  readonly subscriptions?: readonly SubscriptionView[];
  readonly httpEndpoints?: ReadonlyArray<{ readonly name: string }>;
  readonly resiliencies?: ReadonlyArray<{ readonly name: string }>;
  readonly appConnectionProperties?: AppConnection;
  /** The same as the active actors below, under an older name. */
  readonly actors?: ActorRuntimeView["activeActors"];
  readonly actorRuntime: ActorRuntimeView;
  /** Only where the app may have jobs. Dapr: the one name that is not in camel case. */
  readonly scheduler?: { readonly connected_addresses: readonly string[] };
}
export interface ComponentView {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly capabilities?: readonly string[];
}

export const getMetadata: Operation<undefined, MetadataView> = defineOperation(
  "metadata.get",
  {
    api: "metadata",
    endpoint: "GetMetadata",
    describe: describePlainly,
    metric: undefined,
    exempt: { budget: true, publicPort: true },
  },
  async ({ app }) => view(app),
);

export const setMetadata: Operation<{ readonly key: string; readonly value: string }, void> =
  defineOperation(
    "metadata.set",
    {
      api: "metadata",
      endpoint: "PutMetadata",
      describe: describePlainly,
      metric: undefined,
      exempt: { budget: true, publicPort: true },
    },
    async ({ app }, { key, value }) => {
      const { entries } = app.part(extendedMetadata);
      if (entries.size >= maxEntries && !entries.has(key))
        throw metadataError(
          "ERR_METADATA_LIMIT",
          `cannot keep more than ${maxEntries} metadata entries`,
        );
      entries.set(key, value);
    },
  );
/** Each PUT stays in memory for the life of the app. */
const maxEntries = 1000;

/** Reported as `runtimeVersion`; "edge" is what a build that is not a release calls itself. */
export const runtimeVersion = "edge";

function view(app: App): MetadataView {
  const actorRuntime = app.part(actorView).show();
  const components = componentsOf(app);
  const httpEndpoints = [...app.policies.httpEndpoints.keys()].map((name) => ({ name }));
  const subscriptions = [
    ...app.part(subscriptionViews).views,
    ...app.part(streamingSubscriptions).views,
  ];
  const resiliencies = app.policies.resiliencies.map((name) => ({ name }));
  return {
    id: app.appId,
    runtimeVersion,
    enabledFeatures: app.policies.enabledFeatures ?? [],
    ...(components.length > 0 ? { components } : {}),
    extended: {
      daprRuntimeVersion: runtimeVersion,
      ...failedOf(app),
      ...Object.fromEntries(app.part(extendedMetadata).entries),
    },
    ...(subscriptions.length > 0 ? { subscriptions } : {}),
    ...(httpEndpoints.length > 0 ? { httpEndpoints } : {}),
    ...(resiliencies.length > 0 ? { resiliencies } : {}),
    ...(app.connection ? { appConnectionProperties: app.connection } : {}),
    ...(actorRuntime.activeActors ? { actors: actorRuntime.activeActors } : {}),
    actorRuntime,
    ...schedulerOf(app),
  };
}

/** The scheduler is the runtime itself. */
function schedulerOf(app: App): Pick<MetadataView, "scheduler"> {
  const { source } = app.part(appCoordination);
  return source?.jobs ? { scheduler: { connected_addresses: [source.address] } } : {};
}

function componentsOf(app: App): ComponentView[] {
  return app.components.loaded.map(({ capabilities, ...component }) =>
    capabilities.length > 0 ? { ...component, capabilities } : component,
  );
}

/** Programs take what is listed among the components for loaded, so that what is not stands here: why, as JSON text. */
function failedOf({ components: { failed } }: App): Readonly<Record<string, string>> {
  if (failed.length === 0) return {};
  const shown = failed.map(({ name, type, version, reason }) => ({ name, type, version, reason }));
  return { "outrigger.components.failed": JSON.stringify(shown) };
}
