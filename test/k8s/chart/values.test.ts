import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { chart } from "../../../scripts/manifests.ts";
import { describeHelm, render } from "./helm.ts";

const read = (name: string): string => readFileSync(join(chart, name), "utf8");

describeHelm("values", () => {
  it.each([
    ["colour", "red", "colour"],
    ["channel", "nightly", "channel"],
    ["mode", "statefulset", "mode"],
    ["isolation", "pod", "isolation"],
    ["image", { digest: "sha256:abc" }, "digest"],
    ["image", { registry: "https://registry.example" }, "registry"],
    ["image", { tagg: "1" }, "tagg"],
    ["imagePullSecrets", ["registry"], "imagePullSecrets"],
    ["proxy", { httpsProxy: "proxy:3128" }, "httpsProxy"],
    ["logLevel", "loud", "logLevel"],
    ["versionPins", [{ version: "../../etc", image: "x" }], "version"],
    ["versionPins", [{ version: "0.0.9" }], "image"],
    ["budgets", { maxConcurrentCalls: -1 }, "maxConcurrentCalls"],
    ["secrets", { namespaces: ["*"] }, "namespaces"],
    ["secrets", { namespaces: "shop" }, "namespaces"],
    ["secrets", { namespaces: [{ names: ["db"] }] }, "namespace"],
    ["coordination", { driver: "sqlite" }, "driver"],
    ["coordination", { driver: "redis" }, "need each other"],
    ["coordination", { connection: "redis:6379" }, "need each other"],
    ["coordination", { existingSecret: { name: "No_Name" } }, "name"],
    [
      "coordination",
      { driver: "redis", connection: "a:1", existingSecret: { name: "db" } },
      "not both",
    ],
    ["node", { ports: { http: 80 } }, "http"],
    ["node", { ports: { http: "3500" } }, "http"],
    ["node", { drainSeconds: -1 }, "drainSeconds"],
    ["node", { tmpSizeLimit: "much" }, "tmpSizeLimit"],
    ["node", { tolerations: {} }, "tolerations"],
    ["node", { extraArgs: ["node"] }, "extraArgs"],
    ["deployment", { scope: "node" }, "scope"],
    ["deployment", { replicas: 0 }, "replicas"],
    ["injector", { timeoutSeconds: 31 }, "timeoutSeconds"],
    ["injector", { failurePolicy: "Ignore" }, "failurePolicy"],
    ["injector", { certificates: { provider: "vault" } }, "provider"],
    ["injector", { hostIPFamily: "ipv4" }, "hostIPFamily"],
    ["ca", { workloadCertTTL: "a day" }, "workloadCertTTL"],
    ["trustDomain", "Cluster Local", "trustDomain"],
    ["monitoring", { kind: "Probe" }, "kind"],
  ])("refuses %s = %j, and names it", (name, value, named) => {
    expect(() => render({ [name]: value })).toThrow(named);
  });
});

describe("values.yaml", () => {
  /** `a.b.c` of every value that has no more below it. */
  const leaves = (value: unknown, path = ""): readonly string[] =>
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length > 0
      ? Object.entries(value).flatMap(([name, each]) =>
          leaves(each, path === "" ? name : `${path}.${name}`),
        )
      : [path];

  it("has every value that the schema knows, and no other", () => {
    interface Schema {
      readonly properties?: Readonly<Record<string, Schema>>;
    }
    const schema = JSON.parse(read("values.schema.json")) as Schema;
    const names = ({ properties }: Schema, path: string): readonly string[] =>
      Object.entries(properties ?? {}).flatMap(([name, each]) =>
        each.properties ? names(each, `${path}${name}.`) : [`${path}${name}`],
      );
    const known = names(schema, "").filter((name) => name !== "global");
    const given = leaves(parse(read("values.yaml")));
    // What has any fields, such as resources, ends at its own name in the schema.
    const isKnown = (leaf: string): boolean =>
      known.some(
        (name) => leaf === name || leaf.startsWith(`${name}.`) || name.startsWith(`${leaf}.`),
      );
    const isGiven = (name: string): boolean =>
      given.some(
        (leaf) => leaf === name || leaf.startsWith(`${name}.`) || name.startsWith(`${leaf}.`),
      );
    expect(given.filter((leaf) => !isKnown(leaf))).toEqual([]);
    expect(known.filter((name) => !isGiven(name))).toEqual([]);
  });

  it("is explained in docs/targets/kubernetes.md, value by value", () => {
    const page = readFileSync(join(chart, "../../docs/targets/kubernetes.md"), "utf8");
    const missing = leaves(parse(read("values.yaml"))).filter(
      (leaf) => !ancestors(leaf).some((name) => page.includes(`\`${name}\``)),
    );
    expect(missing).toEqual([]);
  });
});

/** `a.b.c`, `a.b`: the page may speak of a group, but not of all values at once. */
function ancestors(leaf: string): readonly string[] {
  const parts = leaf.split(".");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("."));
}
