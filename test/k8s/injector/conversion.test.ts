import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reviewConversion, rulesAnnotation } from "#k8s/injector/conversion.ts";
import { MalformedReviewError } from "#k8s/injector/review.ts";

const review = (desiredAPIVersion: unknown, objects: unknown): unknown => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "ConversionReview",
  request: { uid: "u1", desiredAPIVersion, objects },
});
const convert = (
  to: "v1alpha1" | "v2alpha1",
  ...objects: readonly unknown[]
): readonly unknown[] => {
  const { response } = reviewConversion(review(`dapr.io/${to}`, objects));
  expect(response.result).toEqual({ status: "Success" });
  return response.convertedObjects;
};
const subscription = (version: string, spec: unknown, metadata: unknown = { name: "s" }) => ({
  apiVersion: `dapr.io/${version}`,
  kind: "Subscription",
  metadata,
  spec,
  scopes: ["web"],
});
const common = {
  pubsubname: "bus",
  topic: "orders",
  metadata: { rawPayload: "true" },
  deadLetterTopic: "dead",
  bulkSubscribe: { enabled: true, maxMessagesCount: 10 },
  later: { of: "another version" },
};
const rules = [{ match: 'event.type == "x"', path: "/x", later: 1 }];

describe("a Subscription in the other version", () => {
  it("has its one route as the default one, and back", () => {
    const v1 = subscription("v1alpha1", { ...common, route: "/all" });
    const v2 = subscription("v2alpha1", { ...common, routes: { default: "/all" } });
    expect(convert("v2alpha1", v1)).toEqual([v2]);
    expect(convert("v1alpha1", v2)).toEqual([v1]);
  });

  it("loses no rules on the way there and back", () => {
    const v2 = subscription(
      "v2alpha1",
      { ...common, routes: { rules, default: "/all", later: true } },
      { name: "s", annotations: { own: "1" }, labels: { a: "b" } },
    );
    const [v1] = convert("v1alpha1", v2) as [typeof v2];
    expect(v1).toMatchObject({
      spec: { route: "/all" },
      metadata: {
        labels: { a: "b" },
        annotations: { own: "1", [rulesAnnotation]: expect.any(String) },
      },
    });
    expect(v1.spec).not.toHaveProperty("routes");
    expect(convert("v2alpha1", v1)).toEqual([v2]);
  });

  it("takes over a route that was changed in between", () => {
    const v2 = subscription("v2alpha1", { ...common, routes: { rules, default: "/all" } });
    const [v1] = convert("v1alpha1", v2) as [{ spec: object }];
    const changed = { ...v1, spec: { ...v1.spec, route: "/new" } };
    expect(convert("v2alpha1", changed)).toEqual([
      subscription("v2alpha1", { ...common, routes: { rules, default: "/new" } }),
    ]);
  });

  it("has an empty route where there is no default one", () => {
    const v2 = subscription("v2alpha1", { ...common, routes: { rules } });
    const [v1] = convert("v1alpha1", v2);
    expect(v1).toMatchObject({ spec: { route: "" } });
    expect(convert("v2alpha1", v1)).toEqual([v2]);
    const none = subscription("v2alpha1", { ...common, routes: {} });
    expect(convert("v2alpha1", ...convert("v1alpha1", none))).toEqual([none]);
  });

  it.each(["{", "[]", '"x"', "null", '{"rules":{}}'])("keeps an annotation that is %s", (text) => {
    const metadata = { name: "s", annotations: { [rulesAnnotation]: text } };
    expect(
      convert("v2alpha1", subscription("v1alpha1", { ...common, route: "/a" }, metadata)),
    ).toEqual([subscription("v2alpha1", { ...common, routes: { default: "/a" } }, metadata)]);
  });

  it("is the same object where it is of that version already, and each of a list is converted", () => {
    const v1 = subscription("v1alpha1", { ...common, route: "/a" });
    const v2 = subscription("v2alpha1", { ...common, routes: { rules } });
    expect(convert("v2alpha1", v1, v2, v1)).toEqual([
      convert("v2alpha1", v1)[0],
      v2,
      convert("v2alpha1", v1)[0],
    ]);
    expect(convert("v1alpha1")).toEqual([]);
  });

  it("comes back as it was, whatever is in it", () => {
    const text = fc.string();
    const routes = fc.record(
      {
        default: fc.string({ minLength: 1 }),
        rules: fc.array(fc.record({ match: text, path: text }), { minLength: 1 }),
      },
      { requiredKeys: [] },
    );
    const annotations = fc.dictionary(
      text.filter((key) => key !== rulesAnnotation && key !== "__proto__"),
      text,
      { minKeys: 1 },
    );
    fc.assert(
      fc.property(routes, fc.option(annotations, { nil: undefined }), (of, annotated) => {
        const metadata = { name: "s", uid: "1", ...(annotated ? { annotations: annotated } : {}) };
        const v2 = subscription("v2alpha1", { ...common, routes: of }, metadata);
        expect(convert("v2alpha1", ...convert("v1alpha1", v2))).toEqual([v2]);
      }),
    );
  });

  it("is converted as far as it goes where parts are missing", () => {
    expect(convert("v1alpha1", { apiVersion: "dapr.io/v2alpha1", kind: "Subscription" })).toEqual([
      {
        apiVersion: "dapr.io/v1alpha1",
        kind: "Subscription",
        metadata: undefined,
        spec: { route: "" },
      },
    ]);
  });
});

describe("what is not converted", () => {
  it.each<[what: string, to: unknown, objects: readonly unknown[], message: RegExp]>([
    ["another version wanted", "dapr.io/v3", [], /not "dapr\.io\/v3"/],
    ["another version given", "dapr.io/v2alpha1", [subscription("v9", {})], /not "dapr\.io\/v9"/],
    [
      "another kind",
      "dapr.io/v2alpha1",
      [{ ...subscription("v1alpha1", {}), kind: "Component" }],
      /Only Subscriptions/,
    ],
    ["no object", "dapr.io/v2alpha1", [null], /Only Subscriptions/],
  ])("%s", (_what, to, objects, message) => {
    const { response } = reviewConversion(review(to, objects));
    expect(response).toEqual({
      uid: "u1",
      result: { status: "Failure", message: expect.stringMatching(message) },
      convertedObjects: [],
    });
  });
  it.each<[what: string, body: unknown]>([
    ["nothing", null],
    ["another kind", { ...(review("x", []) as object), kind: "AdmissionReview" }],
    [
      "another version",
      { ...(review("x", []) as object), apiVersion: "apiextensions.k8s.io/v1beta1" },
    ],
    ["no request", { apiVersion: "apiextensions.k8s.io/v1", kind: "ConversionReview" }],
    ["no objects", review("dapr.io/v1alpha1", undefined)],
  ])("%s is malformed", (_what, body) => {
    expect(() => reviewConversion(body)).toThrow(MalformedReviewError);
  });
});
