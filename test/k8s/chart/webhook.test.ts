import { expect, it } from "vitest";
import { describeHelm, pick, render, type Rendered } from "./helm.ts";

describeHelm("the injector's objects", () => {
  it("fails closed for annotated pods, and is never in the way of others", () => {
    const [webhook] = pick(render(), "MutatingWebhookConfiguration").webhooks;
    expect(webhook).toMatchObject({
      failurePolicy: "Fail",
      sideEffects: "None",
      reinvocationPolicy: "IfNeeded",
      timeoutSeconds: 10,
      rules: [{ resources: ["pods"], operations: ["CREATE"] }],
    });
    expect(webhook.matchConditions).toHaveLength(1);
    expect(webhook.namespaceSelector.matchExpressions).toEqual([
      {
        key: "kubernetes.io/metadata.name",
        operator: "NotIn",
        values: ["kube-system", "outrigger-system"],
      },
    ]);
    // Filled in by the injector; an upgrade that wrote one would undo it.
    expect(webhook.clientConfig.caBundle).toBeUndefined();
  });

  it("runs twice, on different nodes if it can, and never loses both", () => {
    const objects = render();
    const { spec } = pick(objects, "Deployment", "outrigger-injector");
    expect(spec.replicas).toBe(2);
    expect(spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(spec.template.spec.topologySpreadConstraints[0].topologyKey).toBe(
      "kubernetes.io/hostname",
    );
    expect(pick(objects, "PodDisruptionBudget", "outrigger-injector").spec.minAvailable).toBe(1);
    expect(pick(objects, "Service", "outrigger-injector").spec.ports).toEqual([
      { name: "webhook", port: 443, targetPort: "webhook" },
    ]);
  });

  it("has no budget that one replica could never keep", () => {
    const budgets = render({ "injector.replicas": 1 }).filter(
      ({ kind }: Rendered) => kind === "PodDisruptionBudget",
    );
    expect(budgets).toEqual([]);
  });

  it("leaves certificates to cert-manager where asked, and needs no rights then", () => {
    const objects = render({ "injector.certificates.provider": "cert-manager" });
    const certificate = pick(objects, "Certificate", "outrigger-injector");
    expect(certificate.spec).toMatchObject({
      secretName: "outrigger-injector-cert",
      issuerRef: { kind: "Issuer", name: "outrigger-injector-ca" },
    });
    expect(certificate.spec.dnsNames).toContain("outrigger-injector.outrigger-system.svc");
    const from = { "cert-manager.io/inject-ca-from": "outrigger-system/outrigger-injector" };
    for (const [kind, name] of [
      ["MutatingWebhookConfiguration", "outrigger-injector"],
      ["CustomResourceDefinition", "subscriptions.dapr.io"],
    ] as const)
      expect(pick(objects, kind, name).metadata.annotations).toMatchObject(from);
    const { spec } = pick(objects, "Deployment", "outrigger-injector").spec.template;
    expect(spec.containers[0].args).toContain("--cert-dir=/var/run/secrets/outrigger.dev/injector");
    const roles = objects.filter(
      ({ kind, metadata }: Rendered) =>
        /Role/.test(kind) && /injector/.test(JSON.stringify([metadata.name])),
    );
    expect(roles).toEqual([]);
  });

  it("has an authority of cert-manager that stays as certificates change, or the issuer asked for", () => {
    const certificates = { provider: "cert-manager" };
    const objects = render({ "injector.certificates": certificates });
    expect(pick(objects, "Issuer", "outrigger-injector").spec).toEqual({ selfSigned: {} });
    expect(pick(objects, "Certificate", "outrigger-injector-ca").spec).toMatchObject({
      secretName: "outrigger-injector-ca",
      isCA: true,
      commonName: expect.any(String),
      duration: "87600h",
      privateKey: { rotationPolicy: "Never" },
      issuerRef: { kind: "Issuer", name: "outrigger-injector" },
    });
    expect(pick(objects, "Issuer", "outrigger-injector-ca").spec).toEqual({
      ca: { secretName: "outrigger-injector-ca" },
    });
    const issuerRef = { name: "corp", kind: "ClusterIssuer" };
    const others = render({ "injector.certificates": { ...certificates, issuerRef } });
    expect(others.some(({ kind }: Rendered) => kind === "Issuer")).toBe(false);
    expect(pick(others, "Certificate").spec.issuerRef).toEqual(issuerRef);
  });

  it("tells the injector every port of a node's runtime", () => {
    const ports = { http: 4000, grpc: 4001, internal: 4002, health: 4003, metrics: 4004 };
    const argsOf = (values: Readonly<Record<string, unknown>>): readonly string[] =>
      pick(render(values), "Deployment", "outrigger-injector").spec.template.spec.containers[0]
        .args;
    expect(argsOf({ "node.ports": ports })).toEqual(
      expect.arrayContaining([
        "--http-port=4000",
        "--grpc-port=4001",
        "--node-ports=4002,4003,4004",
      ]),
    );
    expect(argsOf({ mode: "deployment" }).join(" ")).not.toContain("--node-ports");
  });

  it("translates subscriptions, and offers no old version where nobody would", () => {
    const name = "subscriptions.dapr.io";
    const { spec } = pick(render(), "CustomResourceDefinition", name);
    expect(spec.conversion.webhook.clientConfig.service).toMatchObject({
      name: "outrigger-injector",
      namespace: "outrigger-system",
      path: "/convert",
    });
    const without = pick(render({ "injector.enabled": false }), "CustomResourceDefinition", name);
    expect(without.spec.conversion).toEqual({ strategy: "None" });
    expect(without.spec.versions.map((each: Rendered) => [each.name, each.served])).toEqual([
      ["v2alpha1", true],
      ["v1alpha1", false],
    ]);
  });

  it("keeps definitions and the authority's root when the release goes", () => {
    const keep = { "helm.sh/resource-policy": "keep" };
    const objects = render();
    for (const object of objects)
      if (object.kind === "CustomResourceDefinition")
        expect(object.metadata.annotations).toMatchObject(keep);
    expect(pick(objects, "Secret", "outrigger-ca").metadata.annotations).toEqual(keep);
    expect(pick(objects, "ConfigMap").metadata.annotations).toEqual(keep);
    const [first] = render({ "crds.keep": false }).filter(
      ({ kind }: Rendered) => kind === "CustomResourceDefinition",
    );
    expect(first.metadata.annotations?.["helm.sh/resource-policy"]).toBeUndefined();
  });

  it("opens the injector and the authority to what they serve, and no other port", () => {
    const ports = (name: string): unknown =>
      pick(render(), "NetworkPolicy", name).spec.ingress.flatMap(({ ports: some }: Rendered) =>
        some.map(({ port }: Rendered) => port),
      );
    expect(ports("outrigger-injector")).toEqual(["webhook", "health"]);
    expect(ports("outrigger-ca")).toEqual(["grpc", "health"]);
  });
});
