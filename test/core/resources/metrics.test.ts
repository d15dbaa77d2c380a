import { describe, expect, test } from "vitest";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { defaultLatencyBuckets } from "#core/resources/metrics.ts";
import { metricSettings } from "#test/core/telemetry/support.ts";

function problemsOf(spec: string): readonly string[] {
  const text = `apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: c}\nspec: ${spec}\n`;
  return parseDocuments(text, "c.yaml").problems.map((problem) => JSON.stringify(problem));
}

describe("metrics of a Configuration", () => {
  test("without a word, Dapr's defaults", () => {
    expect(metricSettings()).toEqual({
      enabled: true,
      recordErrorCodes: false,
      latencyBuckets: defaultLatencyBuckets,
      workflowLatencyBuckets: defaultLatencyBuckets,
      http: { increasedCardinality: true, pathMatching: [], excludeVerbs: false },
      rules: [],
    });
  });

  test("each field under metrics takes the place of the one under metric", () => {
    const settings = metricSettings(`
      metric:
        enabled: true
        recordErrorCodes: true
        http: { increasedCardinality: false, excludeVerbs: true }
      metrics:
        enabled: false
        http: { pathMatching: [/a] }`);
    expect(settings).toMatchObject({
      enabled: false,
      recordErrorCodes: true,
      http: { increasedCardinality: true, pathMatching: ["/a"], excludeVerbs: false },
    });
  });

  test("buckets are put in order, once each, and replace Dapr's; workflows may have their own", () => {
    expect(
      metricSettings("{ metrics: { latencyDistributionBuckets: [50, 5, 5, 0, 500] } }"),
    ).toMatchObject({ latencyBuckets: [5, 50, 500], workflowLatencyBuckets: [5, 50, 500] });
    expect(
      metricSettings(
        "{ metrics: { workflow: { latencyDistributionBuckets: [1, 60], latencyDistributionUnits: 1s } } }",
      ).workflowLatencyBuckets,
    ).toEqual([1000, 60_000]);
    expect(
      metricSettings(
        "{ metrics: { workflow: { latencyDistributionBuckets: [2], latencyDistributionUnits: 1000000 } } }",
      ).workflowLatencyBuckets,
    ).toEqual([2]);
  });

  test("rules are compiled, for metrics with and without their prefix", () => {
    const { rules } = metricSettings(`
      metrics:
        rules:
          - name: dapr_http_server_latency
            labels: [{ name: path, regex: { "/o/{id}": "/o/\\\\d+" } }]
          - name: http_client_sent_bytes
            labels: [{ name: method, regex: {} }]`);
    expect(rules.map(({ metric, label }) => [metric, label])).toEqual([
      ["http_server_latency", "path"],
      ["http_client_sent_bytes", "method"],
    ]);
    expect(rules[0]?.replace[0]?.("/o/12")).toBe("/o/{id}");
  });

  for (const [what, spec, problem] of [
    [
      "an expression that cannot be read",
      "{ metrics: { rules: [{ name: x, labels: [{ name: y, regex: { a: '(' } }] }] } }",
      /cannot be read/,
    ],
    ["a bucket that is not a number", "{ metric: { latencyDistributionBuckets: [a] } }", /numbers/],
    ["a word for a flag", "{ metrics: { enabled: perhaps } }", /perhaps/],
    ["a list for the section", "{ metrics: [] }", /make it a mapping/],
    [
      "a unit that is not a time",
      "{ metrics: { workflow: { latencyDistributionUnits: soon } } }",
      /duration/,
    ],
    ["a rule without a name", "{ metrics: { rules: [{ labels: [] }] } }", /name/],
    ["a name that is misspelt", "{ metrics: { recordErrorCode: true } }", /recordErrorCodes/],
  ] as const)
    test(`${what} is told`, () => {
      expect(problemsOf(spec).join("\n")).toMatch(problem);
    });

  test("API logging is read beside them", () => {
    const text = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata: {name: c}
spec: { logging: { apiLogging: { enabled: true, obfuscateURLs: true, omitHealthChecks: true } } }`;
    const documents = parseDocuments(text, "c.yaml").documents.filter(
      (each) => each.kind === "Configuration",
    );
    expect(mergeConfigurations(documents).apiLogging).toEqual({
      enabled: true,
      obfuscateUrls: true,
      omitHealthChecks: true,
    });
    expect(mergeConfigurations([]).apiLogging.enabled).toBe(false);
  });
});
