import type { Cluster } from "./cluster.ts";
import { count, type Finding, ok, problem, some, unknown } from "./finding.ts";
import { valueOr } from "./read.ts";

const wanted = ["components", "configurations", "subscriptions", "resiliencies", "httpendpoints"];
const install = "install the CRDs of the chart (kubectl apply --server-side -f crds/)";

/** The kinds of dapr.io, their conversion, and documents that are not in force. */
export function checkResources(cluster: Cluster): readonly Finding[] {
  return [
    ...checkKinds(cluster),
    ...checkConversion(cluster),
    ...checkComponents(cluster),
    ...checkDocuments(cluster),
  ];
}

function checkKinds({ v1, v2 }: Cluster): readonly Finding[] {
  const check = "resources.crds";
  if (v1.is === "unknown") return [unknown(check, v1.why)];
  if (v2.is === "unknown") return [unknown(check, v2.why)];
  const there = new Set(
    [...(valueOr(v1, {}).resources ?? []), ...(valueOr(v2, {}).resources ?? [])].map(
      ({ name }) => name,
    ),
  );
  const missing = wanted.filter((name) => !there.has(name));
  if (missing.length > 0)
    return [problem(check, `CRDs of dapr.io are missing: ${missing.join(", ")}`, install)];
  const found = [ok(check, "the CRDs of dapr.io are installed")];
  if (!there.has("components/status"))
    found.push({
      check,
      level: "note",
      message:
        "the CRD of Component has no status (it is Dapr's own): what nodes say of components shows in Events only",
    });
  return found;
}

function checkConversion({ conversion, v1 }: Cluster): readonly Finding[] {
  const serves = valueOr(v1, {}).resources?.some(({ name }) => name === "subscriptions");
  if (serves !== true || conversion.is === "absent") return [];
  const check = "resources.conversion";
  if (conversion.is === "there")
    return [ok(check, "Subscriptions can be read in both of their versions")];
  return /conversion/.test(conversion.why)
    ? [
        problem(
          check,
          `Subscriptions cannot be read as v1alpha1: ${conversion.why}`,
          "check the injector: it serves the conversion webhook that the CRD of Subscription names",
        ),
      ]
    : [unknown(check, conversion.why)];
}

function checkComponents({ components }: Cluster): readonly Finding[] {
  const check = "resources.components";
  if (components.is === "unknown") return [unknown(check, components.why)];
  if (components.is === "absent") return [];
  const failed = components.value.flatMap(({ namespace, name, type, nodes }) => {
    const down = nodes.filter(({ ready }) => !ready);
    if (down.length === 0) return [];
    return [
      problem(
        check,
        `component ${namespace}/${name} (${type}) has failed on ${some(down.map(({ node }) => node))}: ${down[0]?.message ?? ""}`,
        `kubectl -n ${namespace} describe component ${name}`,
      ),
    ];
  });
  return failed.length > 0
    ? failed
    : [ok(check, `${count(components.value.length, "component")}, none has failed`)];
}

function checkDocuments({ unusable }: Cluster): readonly Finding[] {
  return valueOr(unusable, []).map((what) =>
    problem(
      "resources.documents",
      `a resource cannot be used: ${what}`,
      "correct it; runtimes keep what it said before as long as they run",
    ),
  );
}
