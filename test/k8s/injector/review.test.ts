import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pod } from "#k8s/api/objects.ts";
import { MalformedReviewError, reviewPod } from "#k8s/injector/review.ts";
import { inject, podReview, reviewDeps } from "#test/support/injector.ts";
import { manyPods, pod } from "#test/support/pods.ts";

const untouched = { uid: "705ab4f5-6393-11e8-b7cc-42010a800002", allowed: true };

describe("a review of what is none of ours", () => {
  it.each<[what: string, fields: Record<string, unknown>]>([
    ["an update", { operation: "UPDATE" }],
    ["a deletion", { operation: "DELETE", object: null }],
    ["ephemeral containers", { subResource: "ephemeralcontainers", operation: "UPDATE" }],
    [
      "a binding",
      { subResource: "binding", resource: { group: "", version: "v1", resource: "pods" } },
    ],
    ["a Deployment", { resource: { group: "apps", version: "v1", resource: "deployments" } }],
    [
      "pods of another group",
      { resource: { group: "metrics.k8s.io", version: "v1", resource: "pods" } },
    ],
    ["no resource", { resource: undefined }],
  ])("lets %s pass as it is", (_what, fields) => {
    expect(reviewPod(podReview(pod(), fields), reviewDeps()).body.response).toEqual(untouched);
  });

  it("never refuses a pod that is not annotated, whatever else is wrong", () => {
    const of = pod(
      { hostNetwork: true },
      {
        "dapr.io/enabled": "false",
        "dapr.io/app-port": "x",
        "dapr.io/app-id": "X Y",
        "outrigger.dev/isolation": "dedicated",
        "outrigger.dev/mode": "?",
      },
    );
    expect(reviewPod(podReview(of), reviewDeps()).body.response).toEqual(untouched);
  });

  it("leaves a pod alone that has a sidecar already, but for what only we may write", () => {
    const of = pod(
      { containers: [{ name: "app" }, { name: "daprd", image: "daprio/daprd:1.16.0" }] },
      { "outrigger.dev/token-sha256": "0".repeat(64), "outrigger.dev/injected": "shared" },
    );
    const { patch, pod: after, reviewed } = inject(of);
    expect(patch.map(({ op, path }) => `${op} ${path}`)).toEqual([
      "remove /metadata/annotations/outrigger.dev~1token-sha256",
      "remove /metadata/annotations/outrigger.dev~1injected",
    ]);
    expect(after.spec).toEqual(of.spec);
    expect(reviewed.body.response.warnings?.[0]).toContain('has a container "daprd" already');
  });
});

describe("a refusal", () => {
  it("says which annotations, what is wrong, and what to write", () => {
    const of = manyPods["of a Job"] as Pod;
    const { reviewed } = inject({
      ...of,
      metadata: {
        ...of.metadata,
        annotations: {
          "dapr.io/enabled": "true",
          "dapr.io/app-port": "80a",
          "dapr.io/config": "C",
        },
      },
    });
    expect(reviewed).toMatchObject({ outcome: "refused", reason: "dapr.io/app-port" });
    expect(reviewed.body.response).toEqual({
      uid: untouched.uid,
      allowed: false,
      status: {
        code: 422,
        reason: "Invalid",
        message:
          "Outrigger cannot serve pod shop/import-*: " +
          'dapr.io/app-port: "80a" is not a port: write a number from 1 to 65535, such as "8080"; ' +
          'dapr.io/config: "C" is not a name of an object: write one of lower-case letters, digits, "-" and "."',
      },
      warnings: [expect.stringContaining('the app id is "import", after the Job "import"')],
    });
  });

  it.each<[what: string, of: Pod, text: string]>([
    [
      "dedicated isolation in the host's network",
      pod({ hostNetwork: true }, { "outrigger.dev/isolation": "dedicated" }),
      "outrigger.dev/isolation: pods of the host's network cannot be told apart",
    ],
    [
      "the node's port in the host's network",
      pod({ hostNetwork: true }, { "dapr.io/app-port": "50001" }),
      "dapr.io/app-port: port 50001 belongs to the node's runtime",
    ],
    [
      "a volume with the injector's name",
      pod({ volumes: [{ name: "outrigger-token", emptyDir: {} }] }),
      'spec.volumes: "outrigger-token" is the injector\'s name',
    ],
  ])("of %s", (_what, of, text) => {
    const { reviewed, patch } = inject(of);
    expect(patch).toEqual([]);
    expect(reviewed.body.response.allowed).toBe(false);
    expect(reviewed.body.response.status?.message).toContain(text);
  });
});

describe("warnings", () => {
  it("are few and short", () => {
    const long = "x".repeat(400);
    const annotations = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`dapr.io/${long}${i}`, "1"]),
    );
    const all = Array.from({ length: 8 }, (_, i) => [`dapr.io/sidecar-image${i}`, "1"]);
    const { reviewed } = inject(
      pod(
        { containers: [{ name: "a", env: [{ name: "DAPR_HTTP_ENDPOINT", value: "x" }] }] },
        {
          ...annotations,
          ...Object.fromEntries(all),
          "dapr.io/env": "A=1",
          "dapr.io/log-level": "info",
          "dapr.io/debug-port": "1",
        },
      ),
    );
    const { warnings = [] } = reviewed.body.response;
    expect(warnings.length).toBeLessThanOrEqual(13);
    for (const text of warnings) expect(text.length).toBeLessThanOrEqual(251);
    expect(warnings.at(-1)).toMatch(/^and \d+ more about this pod$/);
  });
  it("tell pods of Windows that no runtime is beside them", () => {
    const { reviewed } = inject(manyPods["of Windows"] as Pod);
    expect(reviewed.body.response.warnings?.[0]).toContain(
      "nothing of Outrigger runs on nodes of Windows",
    );
    const served = inject(manyPods["of Windows"] as Pod, reviewDeps({ endpoint: "http://o:3500" }));
    expect(served.reviewed.body.response.warnings).toBeUndefined();
  });
});

describe("a dry run", () => {
  it("is answered like any other: a review changes nothing anywhere", () => {
    const frozen = deepFreeze(podReview(pod(), { dryRun: true }));
    const wet = reviewPod(podReview(pod()), reviewDeps());
    expect(reviewPod(frozen, reviewDeps())).toEqual(wet);
  });
});

describe("what is not a review", () => {
  it.each<[what: string, body: unknown]>([
    ["nothing", null],
    ["a text", "AdmissionReview"],
    ["an array", []],
    ["another kind", { apiVersion: "admission.k8s.io/v1", kind: "Pod" }],
    [
      "an older version",
      { ...(podReview(pod()) as object), apiVersion: "admission.k8s.io/v1beta1" },
    ],
    ["no request", { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" }],
    ["no uid", podReview(pod(), { uid: undefined })],
    ["an empty uid", podReview(pod(), { uid: "" })],
    ["no object", podReview(undefined)],
    ["an object without metadata", podReview({})],
    ["annotations that are not texts", podReview({ metadata: { annotations: { a: 1 } } })],
    ["annotations that are a list", podReview({ metadata: { annotations: [] } })],
    ["a spec that is a text", podReview({ metadata: {}, spec: "x" })],
    ["containers that are none", podReview({ metadata: {}, spec: { containers: [1] } })],
    ["a container without a name", podReview({ metadata: {}, spec: { containers: [{}] } })],
    [
      "variables that are none",
      podReview({ metadata: {}, spec: { containers: [{ name: "a", env: ["A"] }] } }),
    ],
    ["volumes that are none", podReview({ metadata: {}, spec: { volumes: {} } })],
  ])("%s", (_what, body) => {
    expect(() => reviewPod(body, reviewDeps())).toThrow(MalformedReviewError);
  });

  it("is answered or refused in one way, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (metadata, spec, field) => {
        try {
          reviewPod(podReview({ metadata, spec }, { extra: field }), reviewDeps());
          reviewPod(
            podReview({ metadata: { annotations: metadata }, spec: { containers: spec } }),
            reviewDeps(),
          );
        } catch (reason) {
          expect(reason).toBeInstanceOf(MalformedReviewError);
        }
      }),
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
