import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { chart } from "../../../scripts/manifests.ts";
import { describeHelm, pick, render, type Rendered } from "./helm.ts";

const folder = join(chart, "../azure");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");
/** Names of `param` lines. */
const parameters = (bicep: string): readonly string[] =>
  [...bicep.matchAll(/^param (\w+)/gm)].map((match) => match[1] ?? "");

/** No compiler of Bicep is at hand: this looks at the texts. */
describe("the modules for Azure", () => {
  const template = JSON.parse(read("extension.json")) as Rendered;

  it("take what the Dapr extension takes, in both spellings", () => {
    const bicep = parameters(read("outrigger.bicep"));
    expect(bicep).toEqual(
      expect.arrayContaining([
        "clusterName",
        "extensionType",
        "releaseTrain",
        "version",
        "autoUpgradeMinorVersion",
        "releaseNamespace",
        "configurationSettings",
      ]),
    );
    expect(Object.keys(template.parameters)).toEqual(bicep);
    const [resource] = template.resources;
    expect(read("outrigger.bicep")).toContain(`'${resource.type}@${resource.apiVersion}'`);
  });

  it("use every parameter and variable, and no other", () => {
    const text = JSON.stringify([template.variables, template.resources, template.outputs]);
    for (const kind of ["parameters", "variables"] as const)
      expect(
        new Set([...text.matchAll(new RegExp(`${kind}\\('(\\w+)'\\)`, "g"))].map((m) => m[1])),
      ).toEqual(new Set(Object.keys(template[kind])));
    for (const name of ["outrigger.bicep", "flux.bicep"]) {
      const bicep = read(name);
      const unused = parameters(bicep).filter(
        (parameter) => (bicep.match(new RegExp(`\\b${parameter}\\b`, "g")) ?? []).length < 2,
      );
      expect([name, unused]).toEqual([name, []]);
      for (const [open, close] of ["{}", "()", "[]"])
        expect(bicep.split(open ?? "").length).toBe(bicep.split(close ?? "").length);
    }
  });

  it("fill in every variable of the release, and only those", () => {
    const wanted = new Set([...read("flux/release.yaml").matchAll(/\$\{(\w+)/g)].map((m) => m[1]));
    const substituted = /substitute: \{([^}]*)\}/.exec(read("flux.bicep"))?.[1] ?? "";
    const given = [...substituted.matchAll(/^\s+(\w+):/gm)].map((m) => m[1]);
    expect(new Set(given)).toEqual(wanted);
  });
});

describeHelm("the values that Azure gives", () => {
  it("are values of the chart", () => {
    const filled = read("flux/release.yaml")
      .replaceAll("${secret_namespaces:=[]}", '["shop"]')
      .replaceAll("${image_registry:=}", "registry.example")
      .replaceAll(/\$\{\w+:=([^}]*)\}/g, "$1");
    const release = parse(filled) as Rendered;
    expect(release.spec.targetNamespace).toBe("outrigger-system");
    const objects = render(release.spec.values);
    expect(pick(objects, "Role", "outrigger-node-secrets").metadata.namespace).toBe("shop");
    expect(pick(objects, "DaemonSet").spec.template.spec.containers[0].image).toMatch(
      /^registry\.example\/outrigger:/,
    );
  });
});
