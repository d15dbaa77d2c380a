import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "#k8s/api/objects.ts";
import { app, openWorld, said, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

describe("an identity", () => {
  it.each([
    ["Shop", "not a Kubernetes namespace"],
    ["a..b", "not a Kubernetes namespace"],
    ["n".repeat(64), "not a Kubernetes namespace"],
  ])("of a namespace that is none (%s) is refused", async (namespace, why) => {
    const before = world.cluster.api.requests.length;
    expect(said(await world.ask("node-a", `${namespace}/cart`))).toContain(why);
    expect(world.cluster.api.requests.length).toBe(before);
  });
  it("has the trust domain of its Configuration, whatever is asked for", async () => {
    const put = (namespace: string, name: string, trustDomain: unknown): unknown =>
      world.cluster.api.put({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Configuration",
        metadata: { namespace, name },
        spec: { accessControl: { trustDomain } },
      } as never);
    put("shop", "strict", "Shop.Example");
    put("shop", "empty", "");
    put("shop", "wrong", "a/b");
    const domainOf = async (config: string): Promise<string> => {
      world.cluster.pod("shop", "cart-0", app("cart", { "dapr.io/config": config }));
      world.forget();
      const verdict = await world.ask("node-a", "shop/cart");
      return "proven" in verdict ? verdict.proven.trustDomain : verdict.refused;
    };
    expect(await domainOf("strict")).toBe("shop.example");
    expect(await domainOf("empty")).toBe("public");
    expect(await domainOf("wrong")).toContain("an invalid trust domain");
    expect(await domainOf("absent")).toContain(
      'Configuration "absent" of namespace "shop" does not exist',
    );
    expect(await domainOf("../../secrets/x")).toContain("does not exist");
    expect(world.cluster.api.requests.some(({ path }) => path.includes("secrets"))).toBe(false);
  });
  it("has the trust domain that is asked for, where pods of one app have several", async () => {
    world.cluster.api.put({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { namespace: "shop", name: "new" },
      spec: { accessControl: { trustDomain: "new" } },
    } as never);
    world.cluster.pod("shop", "cart-1", app("cart", { "dapr.io/config": "new" }));
    for (const trustDomain of ["public", "new"])
      expect(
        await world.rules(
          { namespace: "shop", appId: "cart", trustDomain },
          world.cluster.token(world.pods["node-a"] as Pod),
        ),
      ).toEqual({ proven: { namespace: "shop", appId: "cart", trustDomain } });
  });
  it("of a pod without the annotation is the one that the injector finds", async () => {
    world.cluster.pod("shop", "report-2v9xk", {
      annotations: { "dapr.io/enabled": "true", "outrigger.dev/injected": "shared" },
      owner: { kind: "Job", name: "report" },
    });
    expect(said(await world.ask("node-a", "shop/report"))).toBe("yes");
  });
});

describe("while Kubernetes cannot be asked", () => {
  const ways = {
    "for the token": /tokenreviews/,
    "for the pod that asks": /pods\/outrigger-node-a/,
    "for the pods of the node": /namespaces\/shop\/pods$/,
  };
  it.each(Object.entries(ways))(
    "%s, nobody gets anything, and is told to ask again",
    async (_what, path) => {
      for (const fault of [
        { status: 500 },
        { status: 429 },
        { status: 403 },
        { cut: true } as const,
        { text: "<html>" },
      ]) {
        const heal = world.cluster.api.fail({ path, times: 9, ...fault });
        const verdict = await world.ask("node-a", "shop/cart");
        expect(verdict).toMatchObject({ isTransient: true });
        expect(said(verdict)).toContain("Kubernetes cannot be asked");
        // Nothing of it is remembered.
        heal();
        expect(said(await world.ask("node-a", "shop/cart"))).toBe("yes");
        world.forget();
      }
    },
  );
  it("at all", async () => {
    await world.cluster.api.stop();
    expect(await world.ask("node-a", "shop/cart")).toMatchObject({ isTransient: true });
    expect(await world.ask("shop/cart", "shop/cart")).toMatchObject({ isTransient: true });
  });
});

describe("what is remembered", () => {
  it("does not hide a pod that is new: it is looked for once more", async () => {
    expect(said(await world.ask("node-a", "shop/cart"))).toBe("yes");
    world.cluster.pod("shop", "fresh-0", app("fresh"));
    expect(said(await world.ask("node-a", "shop/fresh"))).toBe("yes");
  });
  it("does not hide a pod that is back under its name", async () => {
    expect(said(await world.ask("shop/cart", "shop/cart"))).toBe("yes");
    world.cluster.remove(world.pods["shop/cart"] as Pod);
    world.pods["shop/cart"] = world.cluster.pod("shop", "cart-0", app("cart"));
    expect(said(await world.ask("shop/cart", "shop/cart"))).toBe("yes");
  });
  it("saves questions: 300 requests of a node's runtime ask four times", async () => {
    const node = world.cluster.token(world.pods["node-a"] as Pod);
    const before = world.cluster.api.requests.length;
    const verdicts = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        world.rules(
          {
            namespace: i % 2 ? "shop" : "bank",
            appId: i % 3 ? "cart" : "nobody",
            trustDomain: "public",
          },
          node,
        ),
      ),
    );
    expect(verdicts.filter((each) => "proven" in each)).toHaveLength(200);
    // A review, the pod that asks, and two namespaces.
    expect(world.cluster.api.requests.length - before).toBeLessThanOrEqual(4);
  });
  it("bounds what guesses cost: 5 readings a second of one namespace", async () => {
    const node = world.cluster.token(world.pods["node-a"] as Pod);
    const before = world.cluster.api.requests.length;
    const end = Date.now() + 1000;
    const guess = async (i: number): Promise<void> => {
      for (; Date.now() < end; i++)
        await world.rules({ namespace: "shop", appId: `guess-${i}`, trustDomain: "public" }, node);
    };
    await Promise.all(Array.from({ length: 50 }, (_, i) => guess(i * 1000)));
    expect(world.cluster.api.requests.length - before).toBeLessThanOrEqual(12);
  });
});
