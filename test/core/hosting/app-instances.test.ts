import { describe, expect, it } from "vitest";
import type { App } from "#core/kernel/app.ts";
import { createAppInstances, type AppReplica } from "#core/hosting/app-instances.ts";

const replica = (namespace: string, appId: string, instance: string, isAvailable = true) => ({
  app: { namespace, appId, instance, health: { isAvailable } } as unknown as App,
  instance,
});
const instances = (found: App | undefined): string | undefined =>
  (found as unknown as { instance: string } | undefined)?.instance;

describe("the apps of a runtime", () => {
  it("are found by namespace and id, which never run into each other", () => {
    const apps = createAppInstances<AppReplica>();
    apps.add(replica("a", "b.c", "1"));
    apps.add(replica("a.b", "c", "2"));
    apps.add(replica("", "c", "3"));
    expect(instances(apps.find({ namespace: "a", appId: "b.c" }))).toBe("1");
    expect(instances(apps.find({ namespace: "a.b", appId: "c" }))).toBe("2");
    expect(instances(apps.find({ namespace: "", appId: "c" }))).toBe("3");
    for (const [namespace, appId] of [
      ["a", "c"],
      ["b", "c"],
      ["__proto__", "constructor"],
    ] as const)
      expect(apps.find({ namespace, appId })).toBeUndefined();
  });
  it("take calls in turn, those that are available before those that are not", () => {
    const apps = createAppInstances<AppReplica>();
    const all = [
      replica("shop", "cart", "1"),
      replica("shop", "cart", "2", false),
      replica("shop", "cart", "3"),
    ];
    for (const each of all) apps.add(each);
    const cart = { namespace: "shop", appId: "cart" };
    const called = Array.from({ length: 20 }, () => instances(apps.find(cart)));
    expect(new Set(called)).toEqual(new Set(["1", "3"]));
    for (const { app } of all) app.health.isAvailable = false;
    expect(new Set(Array.from({ length: 9 }, () => instances(apps.find(cart))))).toEqual(
      new Set(["1", "2", "3"]),
    );
  });
  it("are gone with their last replica, and a replica that is not there is nobody's loss", () => {
    const apps = createAppInstances<AppReplica>();
    const [one, two] = [replica("shop", "cart", "1"), replica("shop", "cart", "2")] as const;
    apps.add(one);
    apps.add(two);
    apps.remove(one);
    apps.remove(one);
    expect(apps.has(one.app, "1")).toBe(false);
    expect(apps.has(two.app, "2")).toBe(true);
    expect(apps.all).toEqual([two]);
    apps.remove(two);
    apps.remove(replica("bank", "cart", "9"));
    expect(apps.all).toEqual([]);
    expect(apps.find(two.app)).toBeUndefined();
  });
  it("are found alone also where the one replica is not available", () => {
    const apps = createAppInstances<AppReplica>();
    apps.add(replica("shop", "cart", "1", false));
    expect(instances(apps.find({ namespace: "shop", appId: "cart" }))).toBe("1");
  });
});
