import { extendedMetadata } from "./extended-metadata.ts";
import { subscriptionViews } from "#core/blocks/pubsub/subscription-views.ts";
import { streamingSubscriptions } from "#core/blocks/pubsub/streaming-subscriptions.ts";
import type { App, AppConnection } from "#core/kernel/app.ts";
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
  readonly actorRuntime: {
    readonly runtimeStatus: "INITIALIZING" | "DISABLED" | "RUNNING";
    readonly activeActors?: ReadonlyArray<{ readonly type: string; readonly count: number }>;
    readonly hostReady: boolean;
    readonly placement: string;
  };
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
        throw new RangeError(`Cannot keep more than ${maxEntries} metadata entries`);
      entries.set(key, value);
    },
  );
/** Each PUT stays in memory for the life of the app. */
const maxEntries = 1000;

/** Reported as `runtimeVersion`; "edge" is what a build that is not a release calls itself. */
export const runtimeVersion = "edge";

function view(app: App): MetadataView {
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
    actorRuntime: {
      runtimeStatus: "DISABLED",
      hostReady: false,
      placement: "placement: disconnected",
    },
  };
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
