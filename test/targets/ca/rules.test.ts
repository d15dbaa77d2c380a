import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pod } from "#k8s/api/objects.ts";
import type { TokenParts } from "./cluster.ts";
import { app, controlPlane, openWorld, said, type World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

/** Who asks, for what: what they get. A text is part of the reason. */
const matrix: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "node-a": {
    "shop/cart": "yes",
    "bank/cart": "yes",
    "shop/starting": "yes",
    "shop/orders": 'no pod of app "orders" of namespace "shop" is on node "node-a"',
    "bank/vault": 'is on node "node-a"',
    "shop/vault": 'is on node "node-a"',
    "shop/ended": "has ended",
    "shop/failed": "has ended",
    "shop/plain": 'is on node "node-a"',
    "shop/prepared": "has been given to the node's runtime",
    "shop/alone": "has been given to the node's runtime",
    "shop/waiting": 'is on node "node-a"',
    "nowhere/cart": 'is on node "node-a"',
    [`${controlPlane}/outrigger-node`]: 'is on node "node-a"',
    [`${controlPlane}/dapr-sentry`]: "the authority's own",
  },
  "node-b": {
    "shop/orders": "yes",
    "bank/vault": "yes",
    "shop/cart": 'is on node "node-b"',
    "bank/cart": 'is on node "node-b"',
    "shop/alone": 'is on node "node-b"',
  },
  "shop/cart": {
    "shop/cart": "yes",
    "bank/cart": 'a pod of namespace "shop" cannot be an app of namespace "bank"',
    "shop/orders": 'is app "cart", not "orders"',
    "shop/starting": 'is app "cart"',
  },
  "shop/alone": { "shop/alone": "yes", "shop/cart": 'is app "alone"' },
  "shop/prepared": { "shop/prepared": "yes" },
  "shop/plain": { "shop/plain": "no annotation dapr.io/app-id", "shop/cart": "no annotation" },
  "shop/ended": { "shop/ended": "has ended" },
  "shop/failed": { "shop/failed": "has ended" },
  "shop/waiting": { "shop/waiting": "runs on no node" },
  shared: {
    "shop/cart": "yes",
    "shop/orders": "yes",
    "shop/starting": "yes",
    "shop/waiting": "yes",
    "shop/ended": "has ended",
    "shop/plain": 'is in namespace "shop"',
    "bank/cart": 'cannot speak for namespace "bank"',
  },
  everywhere: {
    "shop/cart": "yes",
    "bank/vault": "yes",
    "shop/nobody": 'is in namespace "shop"',
    [`${controlPlane}/dapr-sentry`]: "the authority's own",
  },
  injector: { "shop/cart": "cannot be an app of", [`${controlPlane}/x`]: "no annotation" },
};

describe.each(Object.keys(matrix))("%s asks for", (who) => {
  it.each(Object.entries(matrix[who] ?? {}))("%s: %s", async (what, expected) => {
    const verdict = await world.ask(who, what);
    if (expected === "yes") {
      const [namespace, appId] = what.split("/");
      expect(verdict).toEqual({ proven: { namespace, appId, trustDomain: "public" } });
    } else {
      expect(said(verdict)).toContain(expected);
      expect(verdict).not.toHaveProperty("isTransient");
    }
  });
});

describe("a stolen node runtime", () => {
  it("A stolen node runtime can mint identities only for pods on that node", async () => {
    const got: string[] = [];
    const wanted = ["shop", "bank", controlPlane, "ops", "default", "kube-system"].flatMap(
      (namespace) =>
        ["cart", "orders", "vault", "alone", "plain", "ended", "starting", "dapr-sentry"].map(
          (appId) => ({ namespace, appId }),
        ),
    );
    const token = world.cluster.token(world.pods["node-a"] as Pod);
    await Promise.all(
      wanted.map(async (each) => {
        const verdict = await world.rules({ ...each, trustDomain: "cluster.local" }, token);
        if ("proven" in verdict)
          got.push(`${verdict.proven.trustDomain} ${each.namespace}/${each.appId}`);
      }),
    );
    expect(got.toSorted()).toEqual([
      "public bank/cart",
      "public shop/cart",
      "public shop/starting",
    ]);
  });
  it("gets nothing for a pod that has moved to another node, and its new node does", async () => {
    expect(said(await world.ask("node-a", "shop/cart"))).toBe("yes");
    world.cluster.remove(world.pods["shop/cart"] as Pod);
    world.cluster.pod("shop", "cart-1", { ...app("cart"), node: "node-b" });
    expect(said(await world.ask("node-b", "shop/cart"))).toBe("yes");
    world.forget();
    expect(said(await world.ask("node-a", "shop/cart"))).toContain('is on node "node-a"');
  });
});

describe("a token", () => {
  const refused: Readonly<Record<string, readonly [TokenParts, string]>> = {
    "for another audience": [{ audiences: ["https://kubernetes.default.svc"] }, "does not accept"],
    "that has expired": [{ isExpired: true }, "does not accept"],
    "of a user": [{ username: "admin" }, "does not belong to a service account"],
    "of a node": [{ username: "system:node:node-a" }, "does not belong to a service account"],
    "of a strange service account": [
      { username: "system:serviceaccount:a/b:c" },
      "does not belong to a service account",
    ],
    "of a pod with another uid": [
      { uid: "9c0e1f62-0000-4000-8000-000000000000" },
      "a previous pod",
    ],
    "bound to no uid": [{ uid: "" }, "not bound to a pod"],
    "of another service account than its pod's": [{ account: "other" }, "runs as service account"],
    "of another node than its pod's": [{ node: "node-b" }, 'the token belongs to node "node-b"'],
  };
  describe.each(["node-a", "shop/cart"])("of %s", (who) => {
    it.each(Object.keys(refused))("%s is refused", async (what) => {
      const [parts, why] = refused[what] ?? [{}, ""];
      expect(said(await world.ask(who, "shop/cart", parts))).toContain(why);
    });
  });
  it.each([
    ["", "a service account token is required"],
    ["x", "does not accept"],
    ["a.b", "does not accept"],
    ["a.b.c.d", "does not accept"],
    ["a.b.c\r\nX: y", "does not accept"],
    [`a.${"b".repeat(20_000)}.c`, "does not accept"],
    ["e30.bm9ib2R5.c2ln", "does not accept"],
  ])("that is none (%#) is refused", async (token, why) => {
    const asked = { namespace: "shop", appId: "cart", trustDomain: "public" };
    expect(said(await world.rules(asked, token))).toContain(why);
  });
  it("without a node's name, as of older clusters, counts by its pod's node", async () => {
    expect(said(await world.ask("node-a", "shop/cart", { node: undefined }))).toBe("yes");
    expect(said(await world.ask("node-a", "shop/orders", { node: undefined }))).toContain("node-a");
  });
  it("whose audience the server does not look at is refused", async () => {
    const review = world.cluster.api.onTokenReview;
    world.cluster.api.onTokenReview = (spec) => ({ ...review(spec), audiences: [] });
    expect(said(await world.ask("node-a", "shop/cart"))).toContain("does not accept");
  });
  it.each(["node-a", "shop/cart"])("of a pod that is deleted (%s) is refused", async (who) => {
    const token = world.cluster.token(world.pods[who] as Pod);
    world.cluster.remove(world.pods[who] as Pod);
    const asked = { namespace: "shop", appId: "cart", trustDomain: "public" };
    expect(said(await world.rules(asked, token))).toContain("does not accept");
    // The API server remembers reviews for a while.
    world.cluster.forgetsNothing = true;
    world.forget();
    expect(said(await world.rules(asked, token))).toContain("does not exist");
    const { namespace = "", name = "" } = (world.pods[who] as Pod).metadata;
    world.cluster.pod(namespace, name, {
      ...app("cart"),
      account: who === "node-a" ? "outrigger-node" : "default",
    });
    world.forget();
    expect(said(await world.rules(asked, token))).toContain("a previous pod");
  });
});
