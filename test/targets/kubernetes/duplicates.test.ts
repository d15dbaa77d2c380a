import { describe, expect, it } from "vitest";
import type { Pod } from "#k8s/api/objects.ts";
import { createDuplicates } from "#targets/kubernetes/supervisor/duplicates.ts";
import type { SeenPod } from "#targets/kubernetes/supervisor/pod-record.ts";

function duplicates() {
  const events: string[] = [];
  const made = createDuplicates((about, reason, message) =>
    events.push(`${about.name} ${reason} ${message}`),
  );
  const see = (
    uid: string,
    owner: readonly [kind: string, name: string, hash?: string],
    more: {
      readonly namespace?: string;
      readonly appId?: string;
      readonly isEnding?: boolean;
    } = {},
  ): void => {
    const [kind, name, hash] = owner;
    const { namespace = "shop", appId = "cart", isEnding = false } = more;
    const pod = {
      metadata: {
        name: uid,
        labels: hash === undefined ? {} : { "pod-template-hash": hash },
        ownerReferences: [{ kind, name, controller: true }],
      },
    } as unknown as Pod;
    const record = { isEnding, settings: { appId } };
    made.see(pod, { uid, namespace, name: uid, record, problem: undefined } as unknown as SeenPod);
  };
  return { events, see, forget: made.forget };
}

describe("two pods with one app id", () => {
  it("are not duplicates as replicas, in a rollout, and as turns of one CronJob", () => {
    const { events, see } = duplicates();
    see("a", ["ReplicaSet", "cart-1f", "1f"]);
    see("b", ["ReplicaSet", "cart-1f", "1f"]);
    see("c", ["ReplicaSet", "cart-2e", "2e"]);
    see("d", ["Job", "report-29391840"], { appId: "report" });
    see("e", ["Job", "report-29391841"], { appId: "report" });
    see("f", ["StatefulSet", "db"], { appId: "db" });
    see("g", ["StatefulSet", "db"], { appId: "db" });
    expect(events).toEqual([]);
  });
  it("are none in two namespaces", () => {
    const { events, see } = duplicates();
    see("a", ["StatefulSet", "cart"]);
    see("b", ["StatefulSet", "cart"], { namespace: "bank" });
    expect(events).toEqual([]);
  });
  it("are duplicates of two workloads: each pod is told of once", () => {
    const { events, see } = duplicates();
    see("a", ["ReplicaSet", "cart-1f", "1f"]);
    see("b", ["StatefulSet", "other"]);
    see("b", ["StatefulSet", "other"]);
    expect(events).toHaveLength(1);
    expect(events[0]).toContain('b DuplicateAppId app id "cart" is also that of Deployment/cart');
    see("a", ["ReplicaSet", "cart-1f", "1f"]);
    see("a", ["ReplicaSet", "cart-1f", "1f"]);
    expect(events).toHaveLength(2);
    expect(events[1]).toContain("also that of StatefulSet/other");
  });
  it("are none one after the other", () => {
    const { events, see, forget } = duplicates();
    see("a", ["Job", "first"]);
    forget("a");
    see("b", ["Job", "second"]);
    see("b", ["Job", "second"], { isEnding: true });
    see("c", ["StatefulSet", "third"]);
    forget("never there");
    expect(events).toEqual([]);
  });
  it("are none once one of them has another id", () => {
    const { events, see } = duplicates();
    see("a", ["Job", "first"]);
    see("a", ["Job", "first"], { appId: "renamed" });
    see("b", ["Job", "second"]);
    expect(events).toEqual([]);
  });
});
