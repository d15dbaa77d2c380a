import { describe, expect, it } from "vitest";
import { apply } from "#k8s/api/apply.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { resourcePath } from "#k8s/api/resource-path.ts";
import { kubeApi } from "#test/doubles/kube-api.ts";

const components = { apiVersion: "dapr.io/v1alpha1", plural: "components" };

describe("server-side apply", () => {
  it("sends the object under a field manager, with its apiVersion", async () => {
    await using api = await kubeApi();
    await using client = openClient(api.access());
    const object = { kind: "Component", metadata: { namespace: "shop", name: "a" }, spec: {} };
    const made = await apply(client, components, object, { fieldManager: "outrigger-n1" });
    expect(made).toMatchObject({ metadata: { name: "a", uid: expect.any(String) as string } });
    expect(api.requests[0]).toMatchObject({
      method: "PATCH",
      path: "/apis/dapr.io/v1alpha1/namespaces/shop/components/a",
      contentType: "application/apply-patch+yaml",
      body: { ...object, apiVersion: "dapr.io/v1alpha1" },
    });
    expect(api.requests[0]?.query.toString()).toBe("fieldManager=outrigger-n1&force=true");
  });
  it("the status alone, where each node has its part", async () => {
    await using api = await kubeApi();
    await using client = openClient(api.access());
    const place = { kind: "Component", metadata: { namespace: "shop", name: "a" } };
    const of = (node: string): Promise<unknown> =>
      apply(
        client,
        components,
        { ...place, status: { nodes: [{ node, ready: true }] } } as typeof place,
        { fieldManager: `outrigger-${node}`, subresource: "status" },
      );
    await expect(of("n1")).rejects.toMatchObject({ code: 404 });
    api.put({
      ...place,
      apiVersion: "dapr.io/v1alpha1",
      spec: { type: "state.redis" },
    } as typeof place);
    await of("n1");
    await of("n2");
    expect(api.get("/apis/dapr.io/v1alpha1/namespaces/shop/components/a")).toMatchObject({
      spec: { type: "state.redis" },
      status: { nodes: [{ node: "n1" }, { node: "n2" }] },
    });
  });
});

describe("paths", () => {
  it("of collections, objects and their parts", () => {
    expect(resourcePath({ apiVersion: "v1", plural: "pods" })).toBe("/api/v1/pods");
    expect(resourcePath(components, { namespace: "shop" })).toBe(
      "/apis/dapr.io/v1alpha1/namespaces/shop/components",
    );
    expect(
      resourcePath({ apiVersion: "v1", plural: "nodes" }, { name: "n1", subresource: "status" }),
    ).toBe("/api/v1/nodes/n1/status");
    expect(resourcePath({ apiVersion: "v1", plural: "x" }, { name: "a:b?c#d" })).toBe(
      "/api/v1/x/a%3Ab%3Fc%23d",
    );
  });
  for (const name of ["", ".", "..", "a/b", "../../secrets", "%2e%2e"])
    it(`the name "${name}" is none`, () => {
      expect(() => resourcePath(components, { namespace: "shop", name })).toThrow(/not a name/);
      expect(() => resourcePath(components, { namespace: name })).toThrow(/not a name/);
    });
});
