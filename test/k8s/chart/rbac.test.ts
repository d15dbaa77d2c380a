import { expect, it } from "vitest";
import { describeHelm, pick, render, type Rendered } from "./helm.ts";

const secrets = { secrets: { namespaces: ["shop", { namespace: "bank", names: ["db", "mail"] }] } };
const variants: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  daemonset: secrets,
  deployment: { mode: "deployment", ...secrets },
  "one namespace": { mode: "deployment", deployment: { scope: "namespace" }, ...secrets },
};

describeHelm("rights", () => {
  it.each(Object.entries(variants))("never reach Secrets of the cluster: %s", (_, values) => {
    for (const role of render(values).filter(({ kind }: Rendered) => kind === "ClusterRole"))
      for (const rule of role.rules) {
        expect(rule.resources ?? []).not.toContain("secrets");
        expect(JSON.stringify(rule)).not.toContain("*");
        expect(rule.verbs).not.toContain("escalate");
        expect(rule.verbs).not.toContain("impersonate");
      }
  });

  it("to Secrets are only: get, by name, in namespaces that were named", () => {
    const rules = render(secrets)
      .filter(({ kind }: Rendered) => kind === "Role")
      .flatMap(({ metadata, rules: some }: Rendered) =>
        some
          .filter((rule: Rendered) => rule.resources.includes("secrets"))
          .map((rule: Rendered) => [metadata.namespace, rule.resourceNames, rule.verbs]),
      );
    const own = ["get", "update"];
    expect(
      rules.toSorted((a: Rendered, b: Rendered) => (a[0] + a[1] < b[0] + b[1] ? -1 : 1)),
    ).toEqual([
      ["bank", ["db", "mail"], ["get"]],
      ["outrigger-system", ["outrigger-ca"], own],
      ["outrigger-system", ["outrigger-injector-cert"], own],
      ["shop", undefined, ["get"]],
    ]);
    const bindings = render(secrets).filter(
      ({ kind, metadata }: Rendered) =>
        kind === "RoleBinding" && metadata.name === "outrigger-node-secrets",
    );
    for (const { subjects } of bindings)
      expect(subjects).toEqual([
        { kind: "ServiceAccount", name: "outrigger-node", namespace: "outrigger-system" },
      ]);
  });

  it("of the runtime write a component's status and events, and nothing else", () => {
    const objects = render();
    const rules = [
      ...pick(objects, "ClusterRole", "outrigger-node").rules,
      ...pick(objects, "ClusterRole", "outrigger-node-apps").rules,
    ];
    const writes = rules
      .filter(({ verbs }: Rendered) =>
        verbs.some((verb: string) => !/^(get|list|watch)$/.test(verb)),
      )
      .map(({ resources, verbs }: Rendered) => [resources, verbs]);
    expect(writes).toEqual([
      [["tokenreviews"], ["create"]],
      [["components/status"], ["patch"]],
      [["events"], ["create", "patch"]],
    ]);
  });

  it("of the injector end at the objects that carry its certificate", () => {
    const { rules } = pick(render(), "ClusterRole", "outrigger-injector");
    expect(
      rules.map(({ resources, resourceNames }: Rendered) => [resources, resourceNames]),
    ).toEqual([
      [["mutatingwebhookconfigurations"], ["outrigger-injector"]],
      [["customresourcedefinitions"], ["subscriptions.dapr.io"]],
    ]);
  });

  it("hold in the served namespaces only, where there are some", () => {
    const objects = render({
      mode: "deployment",
      deployment: { scope: "namespace", namespaces: ["shop", "bank"] },
    });
    const bindings = objects.filter(
      ({ roleRef }: Rendered) => roleRef?.name === "outrigger-node-outrigger-system-apps",
    );
    expect(bindings.map(({ kind, metadata }: Rendered) => [kind, metadata.namespace])).toEqual([
      ["RoleBinding", "shop"],
      ["RoleBinding", "bank"],
    ]);
  });

  it("of the authority end at the served namespaces, where there are some", () => {
    const objects = render({
      mode: "deployment",
      deployment: { scope: "namespace", namespaces: ["shop", "bank"] },
    });
    const name = "outrigger-ca-outrigger-system";
    const rights = ({ rules }: Rendered): Rendered =>
      rules.map(({ resources, verbs }: Rendered) => [resources, verbs]);
    expect(rights(pick(objects, "ClusterRole", name))).toEqual([[["tokenreviews"], ["create"]]]);
    const apps = [
      [["pods"], ["get", "list"]],
      [["configurations"], ["get"]],
    ];
    expect(rights(pick(objects, "ClusterRole", `${name}-apps`))).toEqual(apps);
    expect(
      objects
        .filter(({ roleRef }: Rendered) => roleRef?.name === `${name}-apps`)
        .map(({ kind, metadata, subjects }: Rendered) => [
          kind,
          metadata.namespace,
          subjects[0].name,
        ]),
    ).toEqual([
      ["RoleBinding", "shop", "outrigger-ca"],
      ["RoleBinding", "bank", "outrigger-ca"],
    ]);
    // The pod whose token asks is the runtime's own.
    expect(rights(pick(objects, "Role", "outrigger-ca"))).toContainEqual([["pods"], ["get"]]);
    // Of the cluster there is one role, as ever.
    const whole = render();
    expect(rights(pick(whole, "ClusterRole", "outrigger-ca"))).toEqual([
      [["tokenreviews"], ["create"]],
      ...apps,
    ]);
    expect(rights(pick(whole, "Role", "outrigger-ca"))).not.toContainEqual([["pods"], ["get"]]);
  });

  it("of the runtime to see namespaces are only for all of them", () => {
    const seen = (values: Readonly<Record<string, unknown>>): boolean =>
      render(values).some(
        ({ kind, rules }: Rendered) =>
          kind === "ClusterRole" &&
          rules.some(({ resources }: Rendered) => resources?.includes("namespaces")),
      );
    expect(seen({})).toBe(true);
    expect(seen({ mode: "deployment" })).toBe(true);
    expect(seen({ mode: "deployment", deployment: { scope: "namespace" } })).toBe(false);
  });

  it("are bound to roles that exist", () => {
    for (const values of Object.values(variants)) {
      const objects = render(values);
      const names = new Set(
        objects.map(({ kind, metadata }: Rendered) =>
          kind === "Role"
            ? `Role/${metadata.namespace}/${metadata.name}`
            : `${kind}//${metadata.name}`,
        ),
      );
      for (const { roleRef, metadata } of objects)
        if (roleRef)
          expect(names).toContain(
            `${roleRef.kind}/${roleRef.kind === "Role" ? metadata.namespace : ""}/${roleRef.name}`,
          );
    }
  });
});
