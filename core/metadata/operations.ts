import type { App } from "#core/app.ts";
import { defineOperation, type Operation } from "#core/operation.ts";

/** What the runtime says of itself and of one app, in the wire's own shape; empty fields are left out. */
export type MetadataView = Readonly<Record<string, unknown>>;

export const getMetadata: Operation<undefined, MetadataView> = defineOperation(
  "metadata.get",
  async ({ app }) => view(app),
);

export const setMetadata: Operation<{ readonly key: string; readonly value: string }, void> =
  defineOperation("metadata.set", async ({ app }, { key, value }) => {
    if (app.extended.size >= maxEntries && !app.extended.has(key))
      throw new RangeError(`Cannot keep more than ${maxEntries} metadata entries`);
    app.extended.set(key, value);
  });
/** Each PUT stays in memory for the life of the app. */
const maxEntries = 1000;

/** Reported as `runtimeVersion`; "edge" is what a build that is no release calls itself. */
export const runtimeVersion = "edge";

function view(app: App): MetadataView {
  const out: Record<string, unknown> = {
    id: app.appId,
    runtimeVersion,
    enabledFeatures: ["HotReload", "WorkflowsRemoteActivityReminder"],
  };
  addList(out, "components", componentsOf(app));
  out["extended"] = { daprRuntimeVersion: runtimeVersion, ...Object.fromEntries(app.extended) };
  addList(out, "subscriptions", app.subscriptions);
  addList(
    out,
    "httpEndpoints",
    [...app.httpEndpoints.keys()].map((name) => ({ name })),
  );
  addList(
    out,
    "resiliencies",
    app.resiliencies.map((name) => ({ name })),
  );
  if (app.connection) out["appConnectionProperties"] = app.connection;
  out["actorRuntime"] = {
    runtimeStatus: "DISABLED",
    hostReady: false,
    placement: "placement: disconnected",
  };
  return out;
}

/** A component that did not start is listed with the reason, which Dapr keeps to its log. */
function componentsOf(app: App): object[] {
  return [
    ...app.loaded.map(({ capabilities, ...component }) =>
      capabilities.length > 0 ? { ...component, capabilities } : component,
    ),
    ...app.failed.map(({ reason, ...component }) => ({
      ...component,
      status: "FAILED",
      error: reason,
    })),
  ];
}
function addList(out: Record<string, unknown>, name: string, list: readonly object[]): void {
  if (list.length > 0) out[name] = list;
}
