import { describe, expect, it } from "vitest";
import { type Configuration, mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";

const head = "apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {name: x}\n";
const parse = (...specs: readonly string[]) =>
  parseDocuments(specs.map((spec) => `${head}spec: ${spec}`).join("\n---\n"), "f.yaml");
const problems = (spec: string): readonly string[] => parse(spec).problems.map(problemText);
const merged = (...specs: readonly string[]): Configuration => {
  const { documents, problems: found } = parse(...specs);
  expect(found.map(problemText)).toEqual([]);
  return mergeConfigurations(documents.filter((document) => document.kind === "Configuration"));
};

describe("pipelines in a Configuration", () => {
  it("keep the order of their handlers; no version is v1, and a selector says nothing", () => {
    const { httpPipeline, appHttpPipeline } = merged(`
  httpPipeline:
    handlers:
    - {name: first, type: middleware.http.uppercase}
    - {name: second, type: middleware.http.bearer, version: v2, selector: {fields: [{field: a, value: b}]}}
  appHttpPipeline: {handlers: [{name: third, type: middleware.http.ratelimit}]}`);
    expect(httpPipeline).toEqual([
      { name: "first", type: "middleware.http.uppercase", version: "v1" },
      { name: "second", type: "middleware.http.bearer", version: "v2" },
    ]);
    expect(appHttpPipeline.map(({ name }) => name)).toEqual(["third"]);
  });
  it("are empty where the document has none", () => {
    expect(merged("{}")).toMatchObject({
      httpPipeline: [],
      appHttpPipeline: [],
      api: { allowed: [], denied: [] },
      wasm: { strictSandbox: false },
    });
    expect(merged("{httpPipeline: {}}").httpPipeline).toEqual([]);
  });
  it("of a later document replace those of an earlier", () => {
    const spec = (name: string): string =>
      `{httpPipeline: {handlers: [{name: ${name}, type: middleware.http.uppercase}]}}`;
    expect(merged(spec("a"), spec("b")).httpPipeline.map(({ name }) => name)).toEqual(["b"]);
  });
  it.each([
    ["{httpPipeline: {handlers: [{type: t}]}}", "spec.httpPipeline.handlers[0].name is missing"],
    [
      "{appHttpPipeline: {handlers: [{name: n}]}}",
      "spec.appHttpPipeline.handlers[0].type is missing",
    ],
    ["{httpPipeline: {handlers: 7}}", "spec.httpPipeline.handlers is 7; make it a list"],
    ["{httpPipeline: [a]}", "spec.httpPipeline is a list; make it a mapping"],
    [
      "{wasm: {strictSandbox: perhaps}}",
      'spec.wasm.strictSandbox is "perhaps"; make it true or false',
    ],
  ])("refuses %s", (spec, message) => {
    expect(parse(spec).documents).toEqual([]);
    expect(problems(spec)).toContain(`f.yaml (document 1): ${message}`);
  });
  it("warns of a handler's name that has no effect", () => {
    const spec = "{httpPipeline: {handlers: [{name: n, type: t, verson: v1}]}}";
    expect(problems(spec)).toEqual([
      'f.yaml (document 1): spec.httpPipeline.handlers[0].verson is unknown and has no effect; did you mean "version"?',
    ]);
  });
});

describe("API lists in a Configuration", () => {
  it("are read as they are written", () => {
    expect(
      merged(`
  api:
    allowed: [{name: state, version: v1.0, protocol: HTTP}]
    denied: [{name: invoke, version: v1, protocol: grpc}]`).api,
    ).toEqual({
      allowed: [{ name: "state", version: "v1.0", protocol: "http" }],
      denied: [{ name: "invoke", version: "v1", protocol: "grpc" }],
    });
  });
  it.each([
    ["{name: state, version: v1}", "protocol is missing; make it http or grpc"],
    ["{name: state, version: v1, protocol: smtp}", 'protocol is "smtp"; make it http or grpc'],
    ["{version: v1, protocol: http}", "name is missing"],
    ["{name: state, protocol: http}", "version is missing"],
  ])("refuse the rule %s, which would close nothing", (rule, message) => {
    const spec = `{api: {denied: [${rule}]}}`;
    expect(parse(spec).documents).toEqual([]);
    expect(problems(spec)).toContain(`f.yaml (document 1): spec.api.denied[0].${message}`);
  });
});
