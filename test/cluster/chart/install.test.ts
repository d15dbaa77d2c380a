import { expect, it } from "vitest";
import { describeCluster } from "../../../scripts/cluster/describe.ts";
import { chart } from "../../../scripts/manifests.ts";
import {
  type Document,
  everyField,
  ourDocuments,
  pageExamples,
} from "#test/k8s/chart/documents.ts";

/** A real API server, and controllers; no node runs any of the pods. Tests go on from one another. */
await describeCluster("the chart in a cluster", { mode: "control" }, (cluster) => {
  const system = "outrigger-system";
  const helm = (...args: readonly string[]): Promise<string> =>
    cluster().helm([...args, "--namespace", system]);
  const get = <T>(...args: readonly string[]): Promise<T> => cluster().get<T>(...args);
  const patch = (what: readonly string[], body: unknown, type = "merge"): Promise<string> =>
    cluster().kubectl(["patch", ...what, `--type=${type}`, "-p", JSON.stringify(body)]);
  const pod = (
    name: string,
    annotations: Readonly<Record<string, string>>,
    namespace = "default",
  ) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, annotations },
    spec: { containers: [{ name: "app", image: "app" }] },
  });
  /** `yes` or `no`. */
  const can = async (account: string, ...what: readonly string[]): Promise<string> => {
    const as = `--as=system:serviceaccount:${system}:${account}`;
    return (await cluster().tryKubectl(["auth", "can-i", ...what, as])).stdout.trim();
  };

  it("installs, and every object is taken by the API server", async () => {
    const said = await helm("install", "outrigger", chart, "--create-namespace");
    expect(said).toContain("STATUS: deployed");
    interface Crd {
      readonly metadata: { readonly name: string };
      readonly status: {
        readonly conditions: ReadonlyArray<{ readonly type: string; readonly status: string }>;
      };
    }
    const { items } = await get<{ readonly items: readonly Crd[] }>("crd");
    for (const { status } of items)
      expect(Object.fromEntries(status.conditions.map((each) => [each.type, each.status]))).toEqual(
        {
          NamesAccepted: "True",
          Established: "True",
        },
      );
    expect(items).toHaveLength(5);
    const policy = await get<{ readonly status: { readonly typeChecking?: object } }>(
      "validatingadmissionpolicy",
      "outrigger-identity",
    );
    expect(policy.status.typeChecking ?? {}).toEqual({});
  });

  it("gives the rights that were meant, and no more", async () => {
    const answers = await Promise.all(
      [
        ["outrigger-node", "list", "pods", "-A"],
        ["outrigger-node", "watch", "components.dapr.io", "-A"],
        ["outrigger-node", "patch", "components.dapr.io", "--subresource=status", "-n", "shop"],
        ["outrigger-node", "create", "events", "-n", "shop"],
        ["outrigger-node", "create", "tokenreviews"],
        ["outrigger-node", "get", "/openid/v1/jwks"],
        ["outrigger-injector", "update", "secrets/outrigger-injector-cert", "-n", system],
        ["outrigger-injector", "update", "mutatingwebhookconfigurations/outrigger-injector"],
        ["outrigger-injector", "update", "customresourcedefinitions/subscriptions.dapr.io"],
        ["outrigger-ca", "update", "secrets/outrigger-ca", "-n", system],
        ["outrigger-ca", "update", "configmaps/outrigger-trust-bundle", "-n", system],
        ["outrigger-ca", "get", "configurations.dapr.io", "-A"],
      ].map(([account = "", ...what]) => can(account, ...what)),
    );
    expect(answers).toEqual(answers.map(() => "yes"));
    const refusals = await Promise.all(
      [
        ["outrigger-node", "get", "secrets", "-n", "shop"],
        ["outrigger-node", "list", "secrets", "-A"],
        ["outrigger-node", "get", "secrets/outrigger-ca", "-n", system],
        ["outrigger-node", "update", "components.dapr.io", "-n", "shop"],
        ["outrigger-node", "patch", "pods", "-n", "shop"],
        ["outrigger-node", "create", "serviceaccounts/token", "-n", system],
        ["outrigger-injector", "get", "secrets/outrigger-ca", "-n", system],
        ["outrigger-injector", "create", "secrets", "-n", system],
        ["outrigger-injector", "update", "mutatingwebhookconfigurations/other"],
        ["outrigger-injector", "update", "customresourcedefinitions/components.dapr.io"],
        ["outrigger-injector", "list", "pods", "-A"],
        ["outrigger-ca", "get", "secrets/outrigger-injector-cert", "-n", system],
        ["outrigger-ca", "get", "secrets", "-n", "shop"],
        ["outrigger-ca", "create", "secrets", "-n", system],
      ].map(([account = "", ...what]) => can(account, ...what)),
    );
    expect(refusals).toEqual(refusals.map(() => "no"));
  });

  it("refuses annotated pods while no injector answers, and lets all others through", async () => {
    const enabled = { "dapr.io/enabled": "true", "dapr.io/app-id": "a" };
    await cluster().apply([
      pod("plain", { other: "x" }),
      pod("switched-off", { "dapr.io/enabled": "False" }),
      pod("of-the-system", enabled, "kube-system"),
      pod("of-the-control-plane", enabled, system),
    ]);
    await expect(cluster().apply([pod("annotated", enabled)])).rejects.toThrow(
      /failed calling webhook "injector\.outrigger\.dev"/,
    );
  });

  it("keeps an injected pod who it is, by every way of changing it", async () => {
    const annotations = {
      "outrigger.dev/injected": "shared",
      "outrigger.dev/token-sha256": "00",
      "dapr.io/app-id": "a",
      // Only so that it gets past the webhook, which nobody serves.
      "dapr.io/enabled": "false",
    };
    await cluster().apply([pod("injected", annotations)]);
    const change = (
      name: string,
      body: Readonly<Record<string, unknown>>,
      ...more: readonly string[]
    ) => patch(["pod", name, ...more], { metadata: { annotations: body } });
    for (const key of Object.keys(annotations))
      for (const value of ["other", null])
        await expect(change("injected", { [key]: value })).rejects.toThrow(
          `the annotation ${key} of a pod cannot be changed`,
        );
    await expect(
      change("injected", { "dapr.io/app-id": "b" }, "--subresource=status"),
    ).rejects.toThrow("cannot be changed");
    // A pod that the injector never saw is not made one that it did.
    await expect(
      change("plain", { "outrigger.dev/token-sha256": "11", "dapr.io/enabled": "true" }),
    ).rejects.toThrow("cannot be changed");
    await change("injected", { "dapr.io/app-port": "8080", note: "fine" });
    await change("injected", { note: "fine too" }, "--subresource=status");
    await change("plain", { "dapr.io/app-id": "x" });
    await cluster().kubectl(["delete", "pod", "injected", "--grace-period=0", "--force"]);
  });

  it("keeps every field of every kind", async () => {
    const kept = everyField().filter(({ metadata }) => metadata.name !== "every-field-v1");
    await cluster().apply(kept);
    for (const { apiVersion, kind, spec } of kept) {
      const [, version = ""] = apiVersion.split("/");
      const found = await get<Document>(`${kind}.${version}.dapr.io`.toLowerCase(), "every-field");
      expect(found.spec).toEqual(spec);
    }
    // Only the injector can translate the older version.
    const old = everyField().filter(({ metadata }) => metadata.name === "every-field-v1");
    await expect(cluster().apply(old)).rejects.toThrow("conversion webhook");
  });

  it("takes every document of this repository", async () => {
    let i = 0;
    for (const documents of ourDocuments().values()) {
      const namespace = `documents-${i++}`;
      await cluster().apply([
        { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
        ...documents
          .filter((each) => each.kind !== "Subscription" || each.apiVersion === "dapr.io/v2alpha1")
          .map((each) => ({ ...each, metadata: { ...each.metadata, namespace } })),
      ]);
    }
  });

  it("takes every example of docs/targets/kubernetes.md", async () => {
    const [namespace, ...rest] = pageExamples();
    await cluster().apply([namespace ?? {}]);
    await cluster().apply(rest);
    expect(rest.map(({ kind }) => kind)).toContain("Job");
  });

  it.each([
    ["Component", { type: "redis" }, "spec.type"],
    ["Component", { version: "v1" }, "spec.type"],
    ["Component", { type: "state.redis", metdata: [] }, "metdata"],
    ["Configuration", { tracing: { samplingRate: 1 } }, "samplingRate"],
    ["Resiliency", { policies: { retries: { a: { maxRetries: "3" } } } }, "maxRetries"],
    ["HTTPEndpoint", { headers: [] }, "baseUrl"],
  ])("refuses a wrong %s, and names the field: %j", async (kind, spec, field) => {
    const document = { apiVersion: "dapr.io/v1alpha1", kind, metadata: { name: "wrong" }, spec };
    const { code, stderr } = await cluster().tryKubectl(["apply", "--server-side", "-f", "-"], {
      input: JSON.stringify(document),
    });
    expect([code, stderr]).toEqual([1, expect.stringContaining(field)]);
  });

  it("shows what a node says of a component, each node its own", async () => {
    const status = (node: string, ready: boolean) =>
      cluster().kubectl(
        [
          "apply",
          "--server-side",
          "--subresource=status",
          `--field-manager=outrigger-${node}`,
          "-f",
          "-",
        ],
        {
          input: JSON.stringify({
            apiVersion: "dapr.io/v1alpha1",
            kind: "Component",
            metadata: { name: "every-field", namespace: "default" },
            status: {
              nodes: [
                {
                  node,
                  ready,
                  ...(ready ? {} : { reason: "InitFailed" }),
                  since: "2026-01-01T00:00:00Z",
                },
              ],
            },
          }),
        },
      );
    await status("node-a", true);
    await status("node-b", false);
    const table = await cluster().kubectl(["get", "components.dapr.io", "every-field"]);
    expect(table).toMatch(/TYPE +FAILING-ON +REASON +AGE/);
    expect(table).toMatch(/state\.redis +node-b +InitFailed/);
    await status("node-b", true);
    expect(await cluster().kubectl(["get", "components.dapr.io"])).not.toContain("node-b");
    const { status: found } = await get<{
      readonly status: { readonly nodes: readonly unknown[] };
    }>("components.dapr.io", "every-field");
    expect(found.nodes).toHaveLength(2);
  });

  const bundle = Buffer.from("a root").toString("base64");

  it("upgrades, and leaves what the injector and the authority wrote", async () => {
    const pem = await cluster().kubectl([
      "get",
      "configmap",
      "kube-root-ca.crt",
      "-o",
      "jsonpath={.data.ca\\.crt}",
    ]);
    const caBundle = Buffer.from(pem).toString("base64");
    const add = (path: string) => [{ op: "add", path, value: caBundle }];
    await patch(
      ["mutatingwebhookconfiguration", "outrigger-injector"],
      add("/webhooks/0/clientConfig/caBundle"),
      "json",
    );
    await patch(
      ["crd", "subscriptions.dapr.io"],
      add("/spec/conversion/webhook/clientConfig/caBundle"),
      "json",
    );
    await patch(["secret", "outrigger-ca", "-n", system], { data: { "ca.crt": bundle } });
    await patch(["configmap", "outrigger-trust-bundle", "-n", system], {
      data: { "ca.crt": "roots" },
    });
    await helm(
      "upgrade",
      "outrigger",
      chart,
      "--set-json",
      'secrets.namespaces=["default",{"namespace":"kube-system","names":["db"]}]',
      "--set",
      "logLevel=debug,injector.timeoutSeconds=9,injector.replicas=3",
    );
    const webhook = await get<{
      readonly webhooks: ReadonlyArray<{
        readonly timeoutSeconds: number;
        readonly clientConfig: { readonly caBundle?: string };
      }>;
    }>("mutatingwebhookconfiguration", "outrigger-injector");
    expect(webhook.webhooks[0]).toMatchObject({ timeoutSeconds: 9, clientConfig: { caBundle } });
    const crd = await cluster().kubectl(["get", "crd", "subscriptions.dapr.io", "-o", "json"]);
    expect(crd).toContain(caBundle);
    const secret = await get<{ readonly data: object }>("secret", "outrigger-ca", "-n", system);
    expect(secret.data).toEqual({ "ca.crt": bundle });
    const map = await get<{ readonly data: object }>(
      "configmap",
      "outrigger-trust-bundle",
      "-n",
      system,
    );
    expect(map.data).toEqual({ "ca.crt": "roots" });
    const secrets = await Promise.all([
      can("outrigger-node", "get", "secrets", "-n", "default"),
      can("outrigger-node", "get", "secrets/db", "-n", "kube-system"),
      can("outrigger-node", "list", "secrets", "-n", "default"),
      can("outrigger-node", "get", "secrets/other", "-n", "kube-system"),
    ]);
    expect(secrets).toEqual(["yes", "yes", "no", "no"]);
  });

  it("brings back a Secret that was deleted, and takes away rights that are no longer given", async () => {
    await cluster().kubectl(["delete", "secret", "outrigger-injector-cert", "-n", system]);
    await helm("upgrade", "outrigger", chart, "--reset-values");
    await get("secret", "outrigger-injector-cert", "-n", system);
    expect(await can("outrigger-node", "get", "secrets", "-n", "default")).toBe("no");
  });

  it("changes from a runtime a node to runtimes behind a Service, and back", async () => {
    await helm("upgrade", "outrigger", chart, "--set", "mode=deployment");
    const kinds = () =>
      cluster().kubectl(["get", "daemonset,deployment,service", "-n", system, "-o", "name"]);
    expect(await kinds()).not.toContain("daemonset");
    expect(await kinds()).toContain("service/outrigger-node");
    await helm("upgrade", "outrigger", chart, "--reset-values");
    expect(await kinds()).toContain("daemonset.apps/outrigger-node");
    expect(await kinds()).not.toContain("service/outrigger-node");
  });

  it("goes without taking documents or the root along, and can come again", async () => {
    await helm("uninstall", "outrigger");
    const left = await cluster().kubectl([
      "get",
      "clusterrole,clusterrolebinding,mutatingwebhookconfiguration,validatingadmissionpolicy,validatingadmissionpolicybinding",
      "-o",
      "name",
    ]);
    expect(left).not.toContain("outrigger");
    await cluster().apply([pod("free-again", { "dapr.io/enabled": "true" })]);
    await get("components.dapr.io", "every-field");
    expect(await helm("install", "outrigger", chart)).toContain("STATUS: deployed");
    const { data } = await get<{ readonly data: object }>("secret", "outrigger-ca", "-n", system);
    expect(data).toEqual({ "ca.crt": bundle });
    await helm("uninstall", "outrigger");
  });

  it("serves some namespaces only, beside another such release", async () => {
    const values = ["--set", "mode=deployment,deployment.scope=namespace,crds.install=false"];
    for (const namespace of ["team-a", "team-b"])
      await cluster().helm([
        "install",
        "outrigger",
        chart,
        "-n",
        namespace,
        "--create-namespace",
        ...values,
      ]);
    const account = "--as=system:serviceaccount:team-a:outrigger-node";
    const mayList = async (namespace: string) =>
      (
        await cluster().tryKubectl(["auth", "can-i", "list", "pods", account, "-n", namespace])
      ).stdout.trim();
    expect(await Promise.all(["team-a", "team-b", "default"].map(mayList))).toEqual([
      "yes",
      "no",
      "no",
    ]);
    await cluster().apply([pod("elsewhere", { "dapr.io/enabled": "true" })]);
    await expect(
      cluster().apply([pod("here", { "dapr.io/enabled": "true" }, "team-a")]),
    ).rejects.toThrow("failed calling webhook");
    for (const namespace of ["team-a", "team-b"])
      await cluster().helm(["uninstall", "outrigger", "-n", namespace]);
  });

  it("is the same without Helm", async () => {
    const folder = `${chart}/../manifests`;
    for (const file of ["crds.yaml", "outrigger.yaml", "outrigger-deployment.yaml"])
      await cluster().kubectl([
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        `${folder}/${file}`,
      ]);
    expect(
      await cluster().kubectl(["get", "daemonset,deployment", "-n", system, "-o", "name"]),
    ).toBe(
      "daemonset.apps/outrigger-node\ndeployment.apps/outrigger-ca\ndeployment.apps/outrigger-injector\ndeployment.apps/outrigger-node\n",
    );
  });
});
