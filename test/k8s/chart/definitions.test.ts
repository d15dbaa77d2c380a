import { describe, expect, it } from "vitest";
import { definitions, everyField, ourDocuments, schemaOf } from "./documents.ts";
import { faults, fieldsOf, usedFields } from "./structural.ts";

describe("the definitions of dapr.io", () => {
  it("are those of Dapr by name, each with one version that is kept", () => {
    expect(definitions().map(({ metadata, spec }) => [metadata.name, spec.names.kind])).toEqual([
      ["components.dapr.io", "Component"],
      ["configurations.dapr.io", "Configuration"],
      ["httpendpoints.dapr.io", "HTTPEndpoint"],
      ["resiliencies.dapr.io", "Resiliency"],
      ["subscriptions.dapr.io", "Subscription"],
    ]);
    for (const { spec } of definitions())
      expect(spec.versions.filter(({ storage }) => storage)).toHaveLength(1);
  });

  it.each([...ourDocuments()])("take %s", (_, documents) => {
    for (const document of documents) expect(faults(schemaOf(document), document)).toEqual([]);
  });

  it.each(
    everyField().map((document) => [`${document.apiVersion} ${document.kind}`, document] as const),
  )("know no field that the sample of every field lacks: %s", (_, document) => {
    const schema = schemaOf(document);
    expect(faults(schema, document)).toEqual([]);
    const used = new Set(usedFields(schema, document));
    const unused = fieldsOf(schema).filter(
      (path) => !used.has(path) && !path.startsWith(".status"),
    );
    expect(unused).toEqual([]);
  });

  it.each([
    ["a type without a category", "Component", { type: "redis" }, ".spec.type: does not match"],
    ["no type", "Component", { version: "v1" }, ".spec.type: required"],
    [
      "a setting without a name",
      "Component",
      { type: "a.b", metadata: [{ value: 1 }] },
      ".spec.metadata[0].name: required",
    ],
    [
      "a field with a typing error",
      "Component",
      { type: "a.b", metdata: [] },
      ".spec.metdata: unknown",
    ],
    [
      "a number for a rate",
      "Configuration",
      { tracing: { samplingRate: 1 } },
      ".spec.tracing.samplingRate: no string",
    ],
    [
      "text for a number",
      "Resiliency",
      { policies: { retries: { a: { maxRetries: "3" } } } },
      ".spec.policies.retries.a.maxRetries: no integer",
    ],
    [
      "a fraction of a millisecond",
      "Resiliency",
      { policies: { timeouts: { a: 1.5 } } },
      ".spec.policies.timeouts.a: no text or integer",
    ],
    ["no address", "HTTPEndpoint", { headers: [] }, ".spec.baseUrl: required"],
    [
      "an unknown renegotiation",
      "HTTPEndpoint",
      { baseUrl: "http://x", clientTLS: { renegotiation: "Often" } },
      ".spec.clientTLS.renegotiation: none of the values",
    ],
    ["no route", "Subscription", { pubsubname: "a", topic: "b" }, ".spec.route: required"],
  ])("refuse %s", (_, kind, spec, fault) => {
    const document = { apiVersion: "dapr.io/v1alpha1", kind, metadata: { name: "x" }, spec };
    expect(faults(schemaOf(document), document)).toContain(fault);
  });
});
