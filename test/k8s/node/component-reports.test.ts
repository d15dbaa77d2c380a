import { describe, expect, it } from "vitest";
import type { ComponentReport, PodRecord } from "#targets/node/kubernetes/messages.ts";
import { createComponentReports } from "#targets/node/kubernetes/supervisor/component-reports.ts";

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
});
