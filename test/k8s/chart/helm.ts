import { parseAllDocuments } from "yaml";
import { describe } from "vitest";
import { findHelm, renderChart } from "../../../scripts/manifests.ts";

/** Any Kubernetes object, as YAML gives it; tests name what they look at. */
// oxlint-disable-next-line typescript/no-explicit-any -- rendered objects have no types, and every field is asserted
export type Rendered = any;

export const helm: string | undefined = findHelm();

/**
 * A describe block that needs helm; without it skipped, and the title says so. With OUTRIGGER_REQUIRE_CLUSTER=1 it
 * fails instead.
 */
export function describeHelm(title: string, body: () => void): void {
  if (helm === undefined && process.env["OUTRIGGER_REQUIRE_CLUSTER"] === "1")
    throw new Error(
      "No helm, and OUTRIGGER_REQUIRE_CLUSTER is set: build it with the cluster tool first",
    );
  const why = helm === undefined ? " (skipped: no helm)" : "";
  describe.skipIf(helm === undefined)(`${title}${why}`, () => {
    body();
  });
}

/** What the chart makes of these values over its own. Throws with what helm says of wrong ones. */
export function render(values: Readonly<Record<string, unknown>> = {}): readonly Rendered[] {
  const args = Object.entries(values).flatMap(([name, value]) => [
    "--set-json",
    `${name}=${JSON.stringify(value)}`,
  ]);
  return parseAllDocuments(renderChart(helm ?? "", args))
    .map((document) => {
      if (document.errors[0]) throw document.errors[0];
      return document.toJS() as Rendered;
    })
    .filter((object) => object !== null);
}

/** The one object of that kind and name. */
export function pick(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name ?? ""}`);
  return found[0];
}

/** Every pod template that is rendered. */
export function templates(objects: readonly Rendered[]): readonly Rendered[] {
  return objects.flatMap((object) => (object.spec?.template ? [object.spec.template] : []));
}
