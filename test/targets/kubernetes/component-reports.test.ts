import { describe, expect, it } from "vitest";
import type { ComponentReport, PodRecord } from "#targets/kubernetes/messages.ts";
import { createComponentReports } from "#targets/kubernetes/supervisor/component-reports.ts";

function reports() {
  const told: string[] = [];
  const made = createComponentReports({
    report: ({ namespace, appId, component, ready, message }) =>
      void told.push(`${namespace}/${appId} ${component} ${ready ? "ready" : message}`),
    forget: ({ namespace, appId }, component) =>
      void told.push(`${namespace}/${appId} forget ${component ?? "all"}`),
  });
  const pod = (uid: string, appId = "cart", namespace = "shop"): PodRecord =>
    ({ uid, namespace, settings: { appId } }) as PodRecord;
  const take = (of: PodRecord, ...components: ComponentReport[]): string[] => {
    told.length = 0;
    made.take(of, components);
    return [...told];
  };
  const forget = (uid: string): string[] => {
    told.length = 0;
    made.forget(uid);
    return [...told];
  };
  return { pod, take, forget };
}
const ready = (name: string): ComponentReport => ({ name, isReady: true, message: "" });
const failed = (name: string, message: string): ComponentReport => ({
  name,
  isReady: false,
  message,
});

describe("what is said of components", () => {
  it("is told of each app, and forgotten of those that it has no more", () => {
    const { pod, take } = reports();
    expect(take(pod("a"), ready("x"), failed("y", "no host"))).toEqual([
      "shop/cart x ready",
      "shop/cart y no host",
    ]);
    expect(take(pod("a"), ready("y"))).toEqual(["shop/cart forget x", "shop/cart y ready"]);
  });
  it("stays while another replica is there", () => {
    const { pod, take, forget } = reports();
    take(pod("a"), ready("x"));
    take(pod("b"), ready("x"));
    take(pod("c", "cart", "bank"), ready("x"));
    expect(forget("a")).toEqual([]);
    expect(forget("a")).toEqual([]);
    expect(forget("b")).toEqual(["shop/cart forget all"]);
    expect(forget("never there")).toEqual([]);
  });
  it("is what the worst of the replicas says, and only what is new", () => {
    const { pod, take, forget } = reports();
    take(pod("a"), ready("x"), ready("y"));
    expect(take(pod("b"), failed("x", "no route"), ready("y"))).toEqual(["shop/cart x no route"]);
    expect(take(pod("c"), failed("x", "timeout"), ready("y"))).toEqual([]);
    expect(take(pod("a"), ready("x"))).toEqual([]);
    // The others never say again what they have said.
    expect(forget("b")).toEqual(["shop/cart x timeout"]);
    expect(take(pod("c"), ready("x"))).toEqual(["shop/cart forget y", "shop/cart x ready"]);
    expect(take(pod("c"), failed("x", "timeout"))).toEqual(["shop/cart x timeout"]);
    expect(forget("c")).toEqual(["shop/cart x ready"]);
  });
  it("goes with the app id of a pod that gets another", () => {
    const { pod, take, forget } = reports();
    take(pod("a"), failed("x", "no"));
    expect(take(pod("a", "basket"), ready("x"))).toEqual([
      "shop/basket x ready",
      "shop/cart forget all",
    ]);
    expect(forget("a")).toEqual(["shop/basket forget all"]);
  });
});
