import { expect, it } from "vitest";
import type { KubeObject } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { checkInjector } from "#k8s/inspect/check-injector.ts";
import { readCluster } from "#k8s/inspect/cluster.ts";
import { kubeApi } from "#test/doubles/kube-api.ts";
import { healthyCluster } from "#test/support/k8s-cluster.ts";
import { secretPath, webhookPath } from "#test/support/webhook-objects.ts";

it.each<
  [whose: string, annotations: Readonly<Record<string, string>>, level: string, todo: RegExp]
>([
  ["our own", { other: "x" }, "problem", /helm upgrade.*the injector fills it/],
  [
    "cert-manager's",
    { "cert-manager.io/inject-ca-from": "outrigger-system/outrigger-injector" },
    "note",
    /^$/,
  ],
])(
  "judges a Secret that is not there, of a certificate of %s",
  async (_whose, annotations, level, todo) => {
    await using api = await kubeApi();
    await healthyCluster(api);
    api.remove(secretPath);
    const webhook = api.get<KubeObject>(webhookPath) as KubeObject;
    api.put({ ...webhook, metadata: { ...webhook.metadata, annotations } });
    await using client = openClient(api.access());
    const cluster = await readCluster(
      { client, signal: new AbortController().signal },
      { namespace: "outrigger-system", now: Date.now() },
    );
    const findings = checkInjector(cluster).filter(({ check }) => check === "injector.certificate");
    expect(findings.map((each) => each.level)).toEqual([level]);
    expect(findings[0]?.message).toMatch(/^no Secret outrigger-injector-cert: /);
    expect(findings[0]?.todo ?? "").toMatch(todo);
  },
);
