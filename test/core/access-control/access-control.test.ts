import { describe, expect, it } from "vitest";
import { type AccessControl, createAccessControl } from "#core/access-control/access-control.ts";
import { createOperationTree } from "#core/access-control/operation-tree.ts";
import type { Workload } from "#core/identity/workload.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";

const app1: Workload = { trustDomain: "public", namespace: "default", appId: "app1" };

function read(accessControl: object) {
  const { documents, problems } = parseDocuments(
    JSON.stringify({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Configuration",
      metadata: { name: "c" },
      spec: { accessControl },
    }),
    "c.yaml",
  );
  const found = documents.filter((document) => document.kind === "Configuration");
  return {
    spec: found.length > 0 ? mergeConfigurations(found).accessControl : undefined,
    isRead: found.length > 0,
    problems: problems.map(problemText),
  };
}
function control(accessControl: object, isHttp = true): AccessControl {
  const { spec } = read(accessControl);
  if (!spec) throw new Error("nothing is controlled");
  return createAccessControl(spec, isHttp, undefined);
}
const policy = (given: object = {}): object => ({
  appId: "app1",
  trustDomain: "public",
  namespace: "default",
  ...given,
});
const operation = (
  name: string,
  action = "allow",
  httpVerb: readonly string[] = ["*"],
): object => ({
  name,
  httpVerb,
  action,
});
const allows = (
  of: AccessControl,
  path: string,
  verb = "GET",
  caller: Workload | undefined = app1,
): boolean => of.refuse({ caller, operation: path, verb }) === undefined;

describe("operations", () => {
  // Security specification 3.3.
  it.each([
    ["/op1", "/op1", true],
    ["/op1", "/op1/x", true],
    ["/op1", "/op1/x/y", true],
    ["/op1", "/op10", false],
    ["/op1", "/op", false],
    ["/op1/*", "/op1", true],
    ["/op1/*", "/op1/x", true],
    ["/op1/*", "/op1/x/y", false],
    ["/op1/**", "/op1", true],
    ["/op1/**", "/op1/x", true],
    ["/op1/**", "/op1/x/y", true],
    ["/op*", "/op", true],
    ["/op*", "/op7", true],
    ["/op*", "/op7/x", true],
    ["/op*", "/o", false],
    ["/*/x", "/a/x", false],
    ["/a*d", "/abcd", true],
    ["/a*d", "/ad", true],
    ["/a*d", "/abc", false],
    ["/a*b*c", "/axxbyyc", true],
    ["/a*b*c", "/axxcyyb", false],
    ["/*", "/a", true],
    ["/*", "/a/b", false],
    ["/**", "/a/b/c", true],
    ["/", "/", true],
  ])("%s and %s fit: %s", (pattern, path, wanted) => {
    expect(createOperationTree([[pattern, true]]).find(path) ?? false).toBe(wanted);
  });
  it("of the same text: the first counts; one covers what lies below it, whatever the order", () => {
    const tree = createOperationTree([
      ["/op1/admin", 1],
      ["/op1", 2],
      ["/op1", 3],
    ]);
    expect(tree.find("/op1/admin")).toBe(2);
    expect(tree.find("/op1")).toBe(2);
  });
  it("are tried in their order, the first that fits a segment, and never twice", () => {
    const tree = createOperationTree([
      ["/a*/x", 1],
      ["/ab/y", 2],
    ]);
    expect(tree.find("/ab/x")).toBe(1);
    expect(tree.find("/ab/y")).toBeUndefined();
  });
  it("take time in proportion to hostile patterns and paths", () => {
    const tree = createOperationTree([[`/${"a*".repeat(200)}b`, 1]]);
    expect(tree.find(`/${"a".repeat(4000)}`)).toBeUndefined();
  });
});

describe("access control", () => {
  it.each([
    ["nothing at all", {}],
    ["an empty default", { defaultAction: "" }],
  ])("that says %s allows everything", (_, spec) => {
    expect(read(spec).spec).toBeUndefined();
  });
  it("without a default denies, unless its list of policies is there and empty", () => {
    expect(allows(control({ policies: [policy()] }), "/x")).toBe(false);
    expect(allows(control({ trustDomain: "td" }), "/x")).toBe(false);
    expect(allows(control({ trustDomain: "td", policies: [] }), "/x")).toBe(true);
  });
  it.each(["allow", "Allow", "ALLOW"])("allows by the word %s", (defaultAction) => {
    expect(allows(control({ defaultAction }), "/x")).toBe(true);
  });
  it.each(["deny", "allowed", "yes", "true"])("denies by every other word, such as %s", (word) => {
    expect(allows(control({ defaultAction: word }), "/x")).toBe(false);
  });
  it("judges callers that nobody knows, unknown ones and other trust domains by the global default", () => {
    const open = control({ defaultAction: "allow", policies: [policy({ defaultAction: "deny" })] });
    expect(open.refuse({ caller: undefined, operation: "x", verb: "GET" })).toBeUndefined();
    expect(allows(open, "/x", "GET", { ...app1, appId: "app" })).toBe(true);
    expect(allows(open, "/x", "GET", { ...app1, namespace: "other" })).toBe(true);
    expect(allows(open, "/x", "GET", { ...app1, trustDomain: "other" })).toBe(true);
    expect(allows(open, "/x")).toBe(false);
  });
  it.each([
    ["GET", ["GET"], true],
    ["POST", ["GET"], false],
    ["POST", ["GET", "POST"], true],
    ["PATCH", ["*"], true],
    ["GET", ["get"], false],
    ["GET", [], false],
    ["PROPFIND", ["*"], false],
    ["", ["*"], false],
  ])("allows %j for verbs %j: %s", (verb, verbs, wanted) => {
    const of = control({
      defaultAction: "allow",
      policies: [policy({ defaultAction: "deny", operations: [operation("/op", "allow", verbs)] })],
    });
    expect(allows(of, "/op", verb)).toBe(wanted);
  });
  it("falls back on the policy's default, then on the global one", () => {
    const operations = [operation("/op", "deny", ["GET"])];
    const own = control({
      defaultAction: "deny",
      policies: [policy({ defaultAction: "allow", operations })],
    });
    expect([allows(own, "/op"), allows(own, "/op", "POST"), allows(own, "/x")]).toEqual([
      false,
      true,
      true,
    ]);
    const none = control({ defaultAction: "allow", policies: [policy({ operations })] });
    expect([allows(none, "/op"), allows(none, "/op", "POST"), allows(none, "/x")]).toEqual([
      false,
      true,
      true,
    ]);
  });
  it("has no case for apps that speak HTTP, and no verbs for those that speak gRPC", () => {
    const operations = [operation("Op1", "allow", [])];
    const spec = { defaultAction: "deny", policies: [policy({ operations })] };
    expect(allows(control(spec, false), "/Op1", "NONE")).toBe(true);
    expect(allows(control(spec, false), "/op1", "NONE")).toBe(false);
    const http = { ...spec, policies: [policy({ operations: [operation("/Op1")] })] };
    expect(allows(control(http), "/oP1")).toBe(true);
    expect(allows(control(http), "op1")).toBe(true);
  });
  it("says who was refused what", () => {
    expect(
      control({ defaultAction: "deny" }).refuse({ caller: app1, operation: "op", verb: "GET" }),
    ).toBe(
      "access control policy has denied access to id: spiffe://public/ns/default/app1 operation: op verb: GET",
    );
  });
  it.each([
    [{ policies: [policy({ appId: "" })] }, "policies[0].appId"],
    [{ policies: [policy({ namespace: "" })] }, "policies[0].namespace"],
    [{ policies: [policy({ trustDomain: "" })] }, "policies[0].trustDomain"],
    [{ policies: [policy({ operations: [{ action: "allow" }] })] }, "operations[0].name"],
  ])("%j is refused", (spec, where) => {
    const { isRead, problems } = read(spec);
    expect(isRead).toBe(false);
    expect(problems.join()).toContain(where);
  });
  it.each([
    [operation("/a", "allow", ["get"]), "never matches; write GET"],
    [operation("/*/x"), 'a bare "*" in the middle'],
  ])("%j is warned about", (given, why) => {
    const { isRead, problems } = read({ policies: [policy({ operations: [given] })] });
    expect(isRead).toBe(true);
    expect(problems.join()).toContain(why);
  });
  it("warns about a rule that an earlier one covers", () => {
    const operations = [operation("/op1"), operation("/op1/admin", "deny")];
    expect(read({ policies: [policy({ operations })] }).problems.join()).toContain(
      "covers already",
    );
  });
});
