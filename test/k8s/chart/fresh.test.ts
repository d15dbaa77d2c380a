import { expect, it, describe } from "vitest";
import { files, stale } from "../../../scripts/manifests.ts";
import { describeHelm, helm } from "./helm.ts";

describe("k8s/chart/files/crds", () => {
  it("is k8s/crds (npm run manifests)", () => {
    expect(stale(files(undefined))).toEqual([]);
  });
});

describeHelm("k8s/manifests", () => {
  it("is what the chart renders (npm run manifests)", () => {
    expect(stale(files(helm))).toEqual([]);
  });
});
