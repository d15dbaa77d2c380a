import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  builtInSecretStore,
  configurationOf,
  originOf,
  toResources,
  whyUnread,
} from "#k8s/operator/to-resources.ts";
import type { KubeObject } from "#k8s/api/objects.ts";

const object = (kind: string, spec: unknown, more: object = {}): KubeObject =>
  ({
    apiVersion: "dapr.io/v1alpha1",
    kind,
    metadata: { name: "x", namespace: "shop", uid: "1", managedFields: [{}], labels: { a: "b" } },
    spec,
    ...more,
  }) as KubeObject;

describe("toResources", () => {
  it("reads objects of the API as the core's documents, from Kind/namespace/name", () => {
    const { resources, unread, problems } = toResources([
      object(
        "Component",
        { type: "state.redis", version: "v1", metadata: [{ name: "redisHost", value: "r:6379" }] },
        { scopes: ["cart"], status: { nodes: [{ node: "n1", ready: true }] } },
      ),
      object(
        "Subscription",
        { pubsubname: "p", topic: "t", routes: { default: "/t" } },
        {
          apiVersion: "dapr.io/v2alpha1",
        },
      ),
    ]);
    expect(unread).toEqual([]);
    // Neither status nor what the server keeps of an object is a typing error.
    expect(problems).toEqual([]);
    expect(resources).toMatchObject([
      {
        kind: "Component",
        name: "x",
        namespace: "shop",
        scopes: ["cart"],
        origin: { file: "Component/shop/x", document: 1 },
        spec: { metadata: [{ name: "redisHost", value: "r:6379" }] },
      },
      { kind: "Subscription", routes: { default: "/t" } },
    ]);
  });
  it("leaves out what cannot be used, and says why", () => {
    const good = object("Component", { type: "state.redis", version: "v1" });
    const bad = object("Component", { type: "redis", metadata: [{ value: 1 }] });
    const { resources, unread } = toResources([bad, good]);
    expect(resources).toHaveLength(1);
    expect(unread).toEqual([
      { file: "Component/shop/x", why: expect.stringContaining('spec.type is "redis"') },
    ]);
    expect(whyUnread(good)).toBeUndefined();
    expect(whyUnread(bad)).toBe(unread[0]?.why);
  });
  it("keeps warnings apart: the document counts", () => {
    const found = toResources([object("Component", { type: "state.redis", versoin: "v1" })]);
    expect(found.resources).toHaveLength(1);
    expect(found.unread).toEqual([]);
    expect(found.problems).toMatchObject([{ field: "spec.versoin", severity: "warning" }]);
  });
  const deep = (levels: number): unknown => {
    let value: unknown = "x";
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };
  it.each([
    ["no object", null],
    ["a list", []],
    ["text", "x"],
    ["nothing in it", { metadata: {} }],
    ["a kind of somebody else", object("Pod", {}, { apiVersion: "v1" })],
    ["a kind that nobody knows", object("Nonsense", {})],
    ["a spec that is a list", object("Component", [])],
    ["metadata that is a text", { ...object("Component", { type: "a.b" }), metadata: "x" }],
    ["nesting without end", object("Component", { type: "a.b", metadata: deep(5000) })],
    [
      "a subscription of an unknown version",
      object("Subscription", {}, { apiVersion: "dapr.io/v3" }),
    ],
    ["a configuration with a list for a mapping", object("Configuration", { tracing: [] })],
  ])("never throws for %s", (_, value) => {
    const { resources } = toResources([value as KubeObject]);
    expect(resources).toEqual([]);
  });
  it("names what it cannot place", () => {
    expect(originOf({ metadata: {} })).toBe("//");
  });
});

it("never throws, whatever stands in an object", () => {
  const kind = fc.constantFrom(
    "Component",
    "Configuration",
    "Subscription",
    "Resiliency",
    "HTTPEndpoint",
  );
  fc.assert(
    fc.property(
      kind,
      fc.jsonValue(),
      fc.jsonValue(),
      fc.jsonValue(),
      (each, spec, metadata, more) => {
        toResources([
          object(each, spec, { metadata: metadata as never, scopes: more, auth: more }),
          object(each, { [JSON.stringify(more)]: spec, metadata: spec, routes: more }),
        ]);
      },
    ),
    { numRuns: 500 },
  );
});

describe("builtInSecretStore", () => {
  it("is a component like any other", () => {
    expect(builtInSecretStore("shop")).toMatchObject({
      kind: "Component",
      name: "kubernetes",
      namespace: "shop",
      spec: { type: "secretstores.kubernetes", version: "v1", metadata: [] },
    });
  });
});

describe("configurationOf", () => {
  const { resources } = toResources([
    object("Configuration", { features: [{ name: "HotReload", enabled: true }] }),
    object("Component", { type: "a.b" }),
  ]);
  it("is what a document of that name says", () => {
    expect(configurationOf(resources, "x")?.features.get("HotReload")).toBe(true);
  });
  it("is Dapr's defaults without a name, and nothing for a name that is not there", () => {
    expect([...(configurationOf(resources, "")?.features ?? [])]).toEqual([
      ["HotReload", true],
      ["WorkflowsRemoteActivityReminder", true],
    ]);
    expect(configurationOf(resources, "other")).toBeUndefined();
  });
});
