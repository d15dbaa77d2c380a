import { describe, expect, it } from "vitest";
import type { Pod } from "#k8s/api/objects.ts";
import { ownerOf, seePod } from "#targets/kubernetes/supervisor/pod-record.ts";

const hash = "a".repeat(64);
interface Change {
  readonly metadata?: object;
  readonly annotations?: Readonly<Record<string, string | undefined>>;
  readonly spec?: object;
  readonly status?: object;
}
function pod({ metadata, annotations, spec, status }: Change = {}): Pod {
  const all = {
    "dapr.io/enabled": "true",
    "dapr.io/app-id": "cart",
    "outrigger.dev/injected": "shared",
    "outrigger.dev/token-sha256": hash,
    ...annotations,
  };
  return {
    metadata: {
      name: "cart-0",
      namespace: "shop",
      uid: "u-1",
      annotations: Object.fromEntries(
        Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      ...metadata,
    },
    spec: { nodeName: "node-1", containers: [], ...spec },
    status: { phase: "Running", podIP: "10.1.0.5", ...status },
  } as Pod;
}

describe("what is seen of a pod", () => {
  it("is its app, with the hash of its token and where it calls from", () => {
    expect(
      seePod(
        pod({
          spec: { serviceAccountName: "cart" },
          status: {
            podIPs: [{ ip: "10.1.0.5" }, { ip: "fd00::5" }],
            conditions: [{ type: "Ready", status: "True" }],
          },
        }),
      )?.record,
    ).toMatchObject({
      uid: "u-1",
      namespace: "shop",
      name: "cart-0",
      serviceAccount: "cart",
      ips: ["10.1.0.5", "fd00::5"],
      hostNetwork: false,
      tokenHash: hash,
      isReady: true,
      isEnding: false,
      settings: { appId: "cart" },
    });
    expect(seePod(pod())?.record).toMatchObject({ ips: ["10.1.0.5"], isReady: false });
    expect(seePod(pod({ status: { podIP: undefined } }))?.record?.ips).toEqual([]);
    const ending = { metadata: { ...pod().metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(seePod(pod(ending))?.record?.isEnding).toBe(true);
  });
  it.each<[string, Change]>([
    ["not enabled", { annotations: { "dapr.io/enabled": "false" } }],
    ["no annotations", { metadata: { annotations: undefined } }],
    ["over", { status: { phase: "Succeeded" } }],
    ["failed", { status: { phase: "Failed" } }],
    ["without uid", { metadata: { ...pod().metadata, uid: undefined } }],
  ])("is nothing where it is %s", (_, change) => {
    expect(seePod(pod(change))).toBeUndefined();
  });
  it.each([
    ["with", { "outrigger.dev/injected": "sidecar" }],
    ["to have", { "outrigger.dev/mode": "sidecar" }],
  ])("is where to call it where the pod is %s a sidecar", (_, annotations) => {
    const port = { "dapr.io/internal-grpc-port": "50012" };
    const seen = seePod(pod({ annotations: { ...annotations, ...port } }));
    expect(seen).toMatchObject({
      record: undefined,
      problem: undefined,
      sidecar: { appId: "cart", ips: ["10.1.0.5"], internalPort: 50_012, isEnding: false },
    });
  });
  it.each<[string, Record<string, string | undefined>]>([
    ["was there before the injector", { "outrigger.dev/injected": undefined }],
    ["has no token", { "outrigger.dev/token-sha256": undefined }],
    ["has an empty hash", { "outrigger.dev/token-sha256": "" }],
    ["has a hash of another kind", { "outrigger.dev/token-sha256": "A".repeat(64) }],
    ["has half a hash", { "outrigger.dev/token-sha256": hash.slice(1) }],
    ["says nonsense of the injector", { "outrigger.dev/injected": "yes" }],
  ])("is a problem to tell, and no app, where it %s", (_, annotations) => {
    const seen = seePod(pod({ annotations }));
    expect(seen?.record).toBeUndefined();
    expect(seen?.problem).toMatchObject({ reason: "NotInjected" });
  });
  it("names each wrong annotation", () => {
    const annotations = { "dapr.io/app-id": "Not An Id", "dapr.io/app-port": "99999" };
    const seen = seePod(pod({ annotations }));
    expect(seen?.record).toBeUndefined();
    expect(seen?.problem?.reason).toBe("InvalidAnnotations");
    expect(seen?.problem?.message).toMatch(/dapr\.io\/app-port: .*dapr\.io\/app-id: /s);
  });
});

describe("what owns a pod", () => {
  const owned = (kind: string, name: string, labels: object = {}): Pod =>
    ({
      metadata: { name: "p", labels, ownerReferences: [{ kind, name, controller: true }] },
    }) as never;
  it.each([
    [owned("ReplicaSet", "cart-5d9", { "pod-template-hash": "5d9" }), "Deployment/cart"],
    [owned("ReplicaSet", "cart-5d9", { "rollouts-pod-template-hash": "5d9" }), "Deployment/cart"],
    [owned("ReplicaSet", "cart-5d9"), "ReplicaSet/cart-5d9"],
    [owned("ReplicaSet", "cart-5d9", { "pod-template-hash": "d9" }), "ReplicaSet/cart-5d9"],
    [owned("Job", "report-29391840"), "Job/report"],
    [owned("Job", "report-2"), "Job/report-2"],
    [owned("StatefulSet", "db"), "StatefulSet/db"],
    [{ metadata: { name: "alone" } } as Pod, "Pod/alone"],
    [{ metadata: { name: "p", ownerReferences: [{ kind: "Node", name: "n" }] } } as never, "Pod/p"],
  ])("is %#: %s", (of, owner) => {
    expect(ownerOf(of)).toBe(owner);
  });
});
