import { describe, expect, it } from "vitest";
import type { ObjectMeta } from "#k8s/api/objects.ts";
import { findAppId, isAppId } from "#k8s/pods/app-id.ts";

const owned = (kind: string, name: string): Pick<ObjectMeta, "ownerReferences"> => ({
  ownerReferences: [
    { kind: "Other", name: "no-controller" },
    { kind, name, controller: true },
  ],
});

describe("the app id of a pod", () => {
  it.each<[what: string, metadata: ObjectMeta, appId: string]>([
    ["the annotation's", { name: "web-1", annotations: { "dapr.io/app-id": " cart " } }, "cart"],
    ["the name of a pod by itself", { name: "web" }, "web"],
    ["an empty annotation is none", { name: "web", annotations: { "dapr.io/app-id": "" } }, "web"],
    ["a prefix of a pod by itself", { generateName: "web-" }, "web"],
    [
      "a Deployment's",
      {
        generateName: "web-7d4b9c6f5d-",
        labels: { "pod-template-hash": "7d4b9c6f5d" },
        ...owned("ReplicaSet", "web-7d4b9c6f5d"),
      },
      "web",
    ],
    ["a ReplicaSet's", { generateName: "web-", ...owned("ReplicaSet", "web") }, "web"],
    ["a Job's", { generateName: "import-", ...owned("Job", "import") }, "import"],
    [
      "a CronJob's, each time the same",
      { generateName: "report-29384756-", ...owned("Job", "report-29384756") },
      "report",
    ],
    ["a Job of digits", { generateName: "29384756-", ...owned("Job", "29384756") }, "29384756"],
    ["a DaemonSet's", { generateName: "agent-", ...owned("DaemonSet", "agent") }, "agent"],
    [
      "the pod's own name in a StatefulSet, as in Dapr",
      { name: "db-0", generateName: "db-", ...owned("StatefulSet", "db") },
      "db-0",
    ],
  ])("is %s", (_what, metadata, appId) => {
    expect(findAppId(metadata)?.appId).toBe(appId);
  });

  it("stays what it was at admission once the pod has its name", () => {
    const template: ObjectMeta = {
      generateName: "web-7d4b9c6f5d-",
      labels: { "pod-template-hash": "7d4b9c6f5d" },
      ...owned("ReplicaSet", "web-7d4b9c6f5d"),
    };
    expect(findAppId({ ...template, name: "web-7d4b9c6f5d-x2x4z" })).toEqual(findAppId(template));
  });

  it("is unknown without any name", () => {
    expect(findAppId({})).toBeUndefined();
    expect(findAppId({ generateName: "-" })).toBeUndefined();
  });
});

describe("what may be an app id", () => {
  it.each(["a", "web", "9", "a-b", "a".repeat(58)])("%s", (text) => {
    expect(isAppId(text)).toBe(true);
  });
  it.each(["", "Web", "a.b", "a_b", "-a", "a-", "a b", "ä", "a\n", "a".repeat(59)])(
    "not %j",
    (text) => {
      expect(isAppId(text)).toBe(false);
    },
  );
});
