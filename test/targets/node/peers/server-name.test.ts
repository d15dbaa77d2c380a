import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appOfServerName, serverNameOf } from "#targets/node/peers/server-name.ts";

describe("the server name of an app", () => {
  it.each([
    ["cart", "shop", "cart.shop.outrigger"],
    ["cart", "", "cart.default.outrigger"],
    ["a-b-1", "n2", "a-b-1.n2.outrigger"],
    ["Cart", "shop", "x--inqxe5a.shop.outrigger"],
    ["a.b", "shop", "x--mexge.shop.outrigger"],
    ["x--a", "shop", "x--paws2yi.shop.outrigger"],
  ])("%s of %s is %s", (appId, namespace, name) => {
    expect(serverNameOf({ appId, namespace })).toBe(name);
    expect(appOfServerName(name)).toEqual({ appId, namespace: namespace || "default" });
  });
  it("is legal and another for each app, whatever its id", () => {
    const part = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom("cart", "a.b", "outrigger", "x--", "y--a", "-", "_", ".", "é", "\ud800", "A"),
      fc.stringMatching(/^[a-z.-]{1,70}$/),
    );
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(part, part, (appId, namespace) => {
        const name = serverNameOf({ appId, namespace });
        expect(name.length).toBeLessThanOrEqual(253);
        for (const label of name.split("."))
          expect(label).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
        const key = JSON.stringify([appId, namespace || "default"]);
        expect(seen.get(name) ?? key).toBe(key);
        seen.set(name, key);
        const back = appOfServerName(name);
        if (!name.startsWith("z--"))
          expect(back).toEqual({ appId, namespace: namespace || "default" });
        else expect(back).toBeUndefined();
      }),
      { numRuns: 5000 },
    );
  });
  it("can be read back for every id that Kubernetes takes", () => {
    const app = { appId: `a${"b-".repeat(28)}c`, namespace: "n".repeat(63) };
    expect(appOfServerName(serverNameOf(app))).toEqual(app);
    const dotted = { appId: "a.b".repeat(30), namespace: "n".repeat(63) };
    expect(appOfServerName(serverNameOf(dotted))).toEqual(dotted);
  });
});

describe("what is no such name", () => {
  it.each([
    "",
    ".",
    "outrigger",
    "cart.outrigger",
    "cart.shop",
    "cart.shop.other",
    "a.b.c.outrigger",
    "Cart.shop.outrigger",
    "cart.shop.outrigger.",
    ".cart.shop.outrigger",
    "x--.shop.outrigger",
    "y--inqxe5a.shop.outrigger",
    "y--inqxe5a.outrigger",
    "x--INQXE5A.shop.outrigger",
    "x--mnqxe5a.shop.outrigger",
    "x--1.shop.outrigger",
    "x--77.shop.outrigger",
    `${"a".repeat(64)}.shop.outrigger`,
    `${"a.".repeat(200)}outrigger`,
    `z--${"a".repeat(52)}.outrigger`,
  ])("%s", (name) => {
    expect(appOfServerName(name)).toBeUndefined();
  });
});
