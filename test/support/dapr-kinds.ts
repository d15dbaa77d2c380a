import type { KubeApiDouble } from "#test/doubles/kube-api.ts";

const kinds = ["components", "configurations", "subscriptions", "resiliencies", "httpendpoints"];

/** Makes the double answer discovery as if the CRDs of dapr.io were installed. Gives a function that takes them away. */
export function serveKinds(
  api: KubeApiDouble,
  options: {
    readonly without?: readonly string[];
    readonly versions?: readonly string[];
    /** False: Dapr's own CRD of Component. */
    readonly status?: boolean;
  } = {},
): () => void {
  const { without = [], versions = ["v1alpha1", "v2alpha1"], status = true } = options;
  const took = versions.map((version) => {
    const names = (version === "v1alpha1" ? kinds : ["subscriptions"]).filter(
      (name) => !without.includes(name),
    );
    if (version === "v1alpha1" && status) names.push("components/status");
    return api.fail({
      path: `/apis/dapr.io/${version}`,
      text: JSON.stringify({
        kind: "APIResourceList",
        groupVersion: `dapr.io/${version}`,
        resources: names.map((name) => ({ name, namespaced: true })),
      }),
      times: Number.POSITIVE_INFINITY,
    });
  });
  return () => {
    for (const take of took) take();
  };
}
