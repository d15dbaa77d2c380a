import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { chart } from "../../../scripts/manifests.ts";
import { describeHelm, helm, pick, render, type Rendered, templates } from "./helm.ts";

/** Combinations that a template could forget. */
const matrix: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  defaults: {},
  "dev channel": { channel: "dev" },
  "deployment, cluster": { mode: "deployment" },
  "deployment, one replica": { mode: "deployment", deployment: { replicas: 1 } },
  "deployment, namespaces": {
    mode: "deployment",
    deployment: { scope: "namespace", namespaces: ["shop", "bank"] },
  },
  "cert-manager": { injector: { certificates: { provider: "cert-manager" } } },
  "cert-manager, own issuer": {
    injector: {
      certificates: {
        provider: "cert-manager",
        issuerRef: { name: "corp", kind: "ClusterIssuer" },
      },
    },
  },
  "no injector": { injector: { enabled: false } },
  "no mTLS": { mtls: { enabled: false } },
  "no definitions": { crds: { install: false } },
  "nothing optional": {
    injector: { enabled: false },
    mtls: { enabled: false },
    crds: { install: false },
    admissionPolicy: { enabled: false },
    networkPolicy: { enabled: false },
  },
  "everything optional": {
    image: { registry: "registry.example/team", digest: `sha256:${"0".repeat(64)}` },
    imagePullSecrets: [{ name: "registry" }],
    proxy: {
      httpProxy: "http://proxy:3128",
      httpsProxy: "http://proxy:3128",
      noProxy: "10.0.0.0/8",
    },
    versionPins: [{ version: "0.0.9-rc.1", image: "registry.example/outrigger:0.0.9-rc.1" }],
    coordination: { driver: "redis", connection: "redis.shop:6379" },
    budgets: {
      maxConcurrentCalls: 100_000_000,
      maxBodyBytesInFlight: "64Mi",
      maxOpenStreams: 10,
      maxLoopMsPerSecond: 500,
    },
    outbound: { allowedAddresses: ["10.1.0.0/16"], deniedAddresses: ["127.0.0.0/8"] },
    secrets: { namespaces: ["shop", { namespace: "bank", names: ["db"] }] },
    monitoring: { kind: "PodMonitor", labels: { release: "prometheus" } },
    priorityClassQuota: { enabled: true },
    networkPolicy: {
      injectorFrom: [{ ipBlock: { cidr: "10.0.0.0/8" } }],
      caFrom: [{ ipBlock: { cidr: "10.0.0.0/8" } }],
    },
    node: {
      podAnnotations: { a: "b" },
      podLabels: { c: "d" },
      nodeSelector: { pool: "apps" },
      affinity: { nodeAffinity: {} },
      extraEnv: [{ name: "TZ", value: "UTC" }],
      extraArgs: ["--log-level=debug"],
    },
    injector: { podAnnotations: { a: "b" }, extraEnv: [{ name: "TZ", value: "UTC" }] },
    ca: { replicas: 2, podAnnotations: { a: "b" }, extraEnv: [{ name: "TZ", value: "UTC" }] },
  },
};

describeHelm("the chart", () => {
  it("passes helm lint", () => {
    const { status, stdout } = spawnSync(
      helm ?? "",
      ["lint", "--strict", "--kube-version", "1.35.4", chart],
      {
        encoding: "utf8",
      },
    );
    expect([status, stdout]).toEqual([0, expect.stringContaining("0 chart(s) failed")]);
  });

  it.each(Object.entries(matrix))("renders whole, hardened objects: %s", (_, values) => {
    const objects = render(values);
    const keys = objects.map(
      ({ kind, metadata }: Rendered) => `${kind}/${metadata.namespace ?? ""}/${metadata.name}`,
    );
    expect(new Set(keys).size).toBe(keys.length);
    for (const { spec } of templates(objects)) {
      expect(spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65_532,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        for (const mount of container.volumeMounts)
          expect(spec.volumes.map(({ name }: Rendered) => name)).toContain(mount.name);
        for (const value of [...container.args, ...(container.env ?? [])])
          expect(JSON.stringify(value)).not.toMatch(/<no value>|%!|null/);
      }
      expect(spec.volumes.map(({ name }: Rendered) => name)).toContain("tmp");
      expect(spec.nodeSelector).toMatchObject({ "kubernetes.io/os": "linux" });
    }
  });

  it("lets the next runtime start beside the old one on the node's network", () => {
    const { spec } = pick(render(), "DaemonSet");
    const [container] = spec.template.spec.containers;
    expect(spec.updateStrategy).toEqual({
      type: "RollingUpdate",
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
    });
    expect(spec.template.spec).toMatchObject({
      hostNetwork: true,
      dnsPolicy: "ClusterFirstWithHostNet",
      priorityClassName: "system-node-critical",
      tolerations: [{ operator: "Exists" }],
    });
    // Each would be a host port, which only one of the two could have.
    expect(container.ports).toBeUndefined();
    expect(container.startupProbe.exec.command.at(-1)).toBe("3500");
    for (const probe of ["readinessProbe", "livenessProbe"])
      expect(container[probe].httpGet).toMatchObject({ port: 3501 });
    const env = new Map(container.env.map((each: Rendered) => [each.name, each]));
    const field = (name: string): string =>
      (env.get(name) as Rendered).valueFrom.fieldRef.fieldPath;
    expect(["NODE_NAME", "HOST_IP", "POD_NAME", "POD_NAMESPACE"].map(field)).toEqual([
      "spec.nodeName",
      "status.hostIP",
      "metadata.name",
      "metadata.namespace",
    ]);
  });

  it("tolerates everything only as a runtime of each node", () => {
    const deployment = { mode: "deployment" };
    const placed = (values: Readonly<Record<string, unknown>>): Rendered => {
      const { spec } = pick(render(values), values["mode"] ? "Deployment" : "DaemonSet", name);
      const { priorityClassName, tolerations } = spec.template.spec;
      return [priorityClassName, tolerations];
    };
    const name = "outrigger-node";
    expect(placed({})).toEqual(["system-node-critical", [{ operator: "Exists" }]]);
    expect(placed(deployment)).toEqual(["system-cluster-critical", undefined]);
    // What is given counts in both modes, and nothing is something that can be given.
    const own = {
      "node.tolerations": [{ key: "apps", operator: "Exists" }],
      "node.priorityClassName": "mine",
    };
    for (const mode of [{}, deployment])
      expect(placed({ ...mode, ...own })).toEqual(["mine", own["node.tolerations"]]);
    expect(placed({ "node.tolerations": [], "node.priorityClassName": "" })).toEqual([
      undefined,
      undefined,
    ]);
    for (const [mode, wanted] of [
      [{}, ["system-node-critical", "system-cluster-critical"]],
      [deployment, ["system-cluster-critical"]],
    ] as const) {
      const quota = pick(render({ ...mode, "priorityClassQuota.enabled": true }), "ResourceQuota");
      expect(quota.spec.scopeSelector.matchExpressions[0].values).toEqual(wanted);
    }
  });

  it("runs on Linux only, and where the values say beside that", () => {
    const selector = { nodeSelector: { pool: "apps" } };
    for (const mode of ["daemonset", "deployment"]) {
      const all = templates(render({ mode, node: selector, ca: selector, injector: selector }));
      expect(all).toHaveLength(3);
      for (const { spec } of all)
        expect(spec.nodeSelector).toEqual({ pool: "apps", "kubernetes.io/os": "linux" });
    }
  });

  it("holds /tmp of the runtime to a size", () => {
    const tmp = (values: Readonly<Record<string, unknown>>): Rendered =>
      pick(render(values), "DaemonSet").spec.template.spec.volumes.find(
        ({ name }: Rendered) => name === "tmp",
      ).emptyDir;
    expect(tmp({})).toEqual({ sizeLimit: "1Gi" });
    expect(tmp({ "node.tmpSizeLimit": "200M" })).toEqual({ sizeLimit: "200M" });
    expect(tmp({ "node.tmpSizeLimit": null })).toEqual({});
  });

  it.each(["daemonset", "deployment"])("refuses a port that is given twice: %s", (mode) => {
    expect(() => render({ mode, "node.ports.metrics": 3501 })).toThrow(
      "node.ports.health and node.ports.metrics are both 3501",
    );
  });

  it("lets Prometheus keep the labels of apps, however it finds the runtimes", () => {
    const monitored = (kind: string, mode: string): readonly Rendered[] =>
      render({ mode, "monitoring.kind": kind });
    for (const mode of ["daemonset", "deployment"]) {
      const [endpoint] = pick(monitored("ServiceMonitor", mode), "ServiceMonitor").spec.endpoints;
      expect(endpoint).toMatchObject({ port: "metrics", honorLabels: true });
      const pods = pick(monitored("PodMonitor", mode), "PodMonitor", "outrigger-node").spec;
      expect(pods.podMetricsEndpoints[0].honorLabels).toBe(true);
    }
  });

  it("has one Service for metrics, whose name is not that of the one with an address", () => {
    const services = (mode: string): Rendered =>
      render({ mode, "monitoring.kind": "ServiceMonitor" })
        .filter(
          ({ kind, spec }: Rendered) =>
            kind === "Service" && spec.ports.some(({ name }: Rendered) => name === "metrics"),
        )
        .map(({ metadata, spec }: Rendered) => [metadata.name, spec.clusterIP]);
    expect(services("daemonset")).toEqual([["outrigger-node-metrics", "None"]]);
    expect(services("deployment")).toEqual([["outrigger-node", undefined]]);
    expect(render().some(({ metadata }: Rendered) => /metrics/.test(metadata.name))).toBe(false);
  });

  it.each([0, 30, 600])("waits longer than a drain of %i s", (drainSeconds) => {
    const { spec } = pick(render({ "node.drainSeconds": drainSeconds }), "DaemonSet").spec.template;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds);
    expect(spec.containers[0].args).toContain(`--drain-seconds=${drainSeconds}`);
  });

  it("mounts a token for the authority only, and its roots as a file", () => {
    const { spec } = pick(render(), "DaemonSet").spec.template;
    const volume = (name: string): Rendered =>
      spec.volumes.find((each: Rendered) => each.name === name);
    expect(volume("ca-token").projected.sources).toEqual([
      {
        serviceAccountToken: {
          path: "token",
          audience: "spiffe://cluster.local/ns/outrigger-system/dapr-sentry",
          expirationSeconds: 3600,
        },
      },
    ]);
    expect(volume("trust").configMap.name).toBe("outrigger-trust-bundle");
    expect(pickFlag(spec, "--sentry-address")).toBe(
      "outrigger-ca.outrigger-system.svc.cluster.local:443",
    );
    const without = pick(render({ "mtls.enabled": false }), "DaemonSet").spec.template.spec;
    expect(pickFlag(without, "--sentry-address")).toBeUndefined();
    expect(without.volumes).toHaveLength(1);
  });

  it.each([
    [{ driver: "redis", connection: "redis.shop:6379" }, "redis:redis.shop:6379"],
    [{ driver: "redis", connection: "rediss://:p@redis.shop" }, "rediss://:p@redis.shop"],
    [{ driver: "postgresql", connection: "host=db" }, "postgresql:host=db"],
  ])("keeps the database of actors and jobs in a Secret: %j", (coordination, value) => {
    for (const mode of ["daemonset", "deployment"]) {
      const objects = render({ mode, coordination });
      expect(pick(objects, "Secret", "outrigger-coordination").stringData).toEqual({
        coordination: value,
      });
      const kind = mode === "daemonset" ? "DaemonSet" : "Deployment";
      const { metadata, spec } = pick(objects, kind, "outrigger-node").spec.template;
      expect(coordinationOf(spec)).toEqual({
        name: "outrigger-coordination",
        key: "coordination",
      });
      // Runtimes read it when they start.
      expect(metadata.annotations["checksum/coordination"]).toMatch(/^[0-9a-f]{64}$/);
      const injector = pick(objects, "Deployment", "outrigger-injector").spec.template.spec;
      expect(pickFlag(injector, "--sidecar-coordination")).toBe("off");
      expect(JSON.stringify(injector)).not.toContain(value);
    }
  });

  it("takes that database from a Secret that is there already, and needs none", () => {
    const existingSecret = { name: "db" };
    const objects = render({ coordination: { existingSecret } });
    const { spec } = pick(objects, "DaemonSet").spec.template;
    expect(coordinationOf(spec)).toEqual({ name: "db", key: "coordination" });
    const own = render({ coordination: { existingSecret: { name: "db", key: "url" } } });
    expect(coordinationOf(pick(own, "DaemonSet").spec.template.spec)).toMatchObject({ key: "url" });
    const none = render();
    expect(coordinationOf(pick(none, "DaemonSet").spec.template.spec)).toBeUndefined();
    for (const each of [objects, own, none])
      expect(
        each.some(({ metadata }: Rendered) => metadata.name === "outrigger-coordination"),
      ).toBe(false);
    const injector = pick(none, "Deployment", "outrigger-injector").spec.template.spec;
    expect(pickFlag(injector, "--sidecar-coordination")).toBeUndefined();
  });

  it("tells each replica of a Deployment its own address", () => {
    const { spec } = pick(render({ mode: "deployment" }), "Deployment", "outrigger-node").spec
      .template;
    const found = spec.containers[0].env.find(({ name }: Rendered) => name === "POD_IP");
    expect(found.valueFrom.fieldRef.fieldPath).toBe("status.podIP");
  });

  it("serves behind a Service as a Deployment, and tells the injector so", () => {
    const objects = render({ mode: "deployment", deployment: { replicas: 3 } });
    const { spec } = pick(objects, "Deployment", "outrigger-node").spec.template;
    expect(objects.some(({ kind }: Rendered) => kind === "DaemonSet")).toBe(false);
    expect(spec.hostNetwork).toBeUndefined();
    expect(spec.containers[0].args).toContain("--scope=cluster");
    expect(pick(objects, "PodDisruptionBudget", "outrigger-node").spec.minAvailable).toBe(1);
    const ports = pick(objects, "Service", "outrigger-node").spec.ports;
    expect(ports.map(({ port }: Rendered) => port)).toEqual([3500, 50_001, 50_002, 9090]);
    const injector = pick(objects, "Deployment", "outrigger-injector").spec.template.spec;
    const host = "http://outrigger-node.outrigger-system.svc.cluster.local";
    expect(pickFlag(injector, "--endpoint")).toBe(`${host}:3500`);
    expect(pickFlag(injector, "--grpc-endpoint")).toBe(`${host}:50001`);
  });

  it("keeps to its namespaces where it is told to, under names of its own", () => {
    const objects = render({
      mode: "deployment",
      deployment: { scope: "namespace", namespaces: ["shop", "bank"] },
    });
    const { spec } = pick(objects, "Deployment", "outrigger-node").spec.template;
    expect(spec.containers[0].args).toContain("--namespaces=shop,bank");
    const { metadata, webhooks } = pick(objects, "MutatingWebhookConfiguration");
    expect(metadata.name).toBe("outrigger-injector-outrigger-system");
    expect(webhooks[0].namespaceSelector.matchExpressions[0]).toMatchObject({
      operator: "In",
      values: ["shop", "bank"],
    });
    const ca = pick(objects, "Deployment", "outrigger-ca").spec.template.spec;
    expect(pickFlag(ca, "--shared-service-account")).toBe(
      "outrigger-system/outrigger-node=shop,bank",
    );
  });

  it("brings older versions into a folder of the runtime", () => {
    const versionPins = [{ version: "0.0.9-rc.1", image: "registry.example/outrigger:0.0.9" }];
    const { spec } = pick(render({ versionPins }), "DaemonSet").spec.template;
    expect(spec.initContainers).toHaveLength(1);
    expect(spec.initContainers[0]).toMatchObject({
      name: "version-0-0-9-rc-1",
      image: "registry.example/outrigger:0.0.9",
      args: ["/var/lib/outrigger/versions/0.0.9-rc.1"],
    });
    expect(pickFlag(spec, "--versions-dir")).toBe("/var/lib/outrigger/versions");
  });

  it.each([
    [{}, "outrigger:0.1.0", "IfNotPresent"],
    [{ channel: "dev" }, "outrigger:dev", "Always"],
    [{ channel: "dev", "image.tag": "mine" }, "outrigger:mine", "Always"],
    [
      { "image.registry": "registry.example/x/" },
      "registry.example/x/outrigger:0.1.0",
      "IfNotPresent",
    ],
    [
      { channel: "dev", "image.tag": "mine", "image.digest": `sha256:${"a".repeat(64)}` },
      `outrigger@sha256:${"a".repeat(64)}`,
      "IfNotPresent",
    ],
    [{ "image.pullPolicy": "Never" }, "outrigger:0.1.0", "Never"],
  ])("takes the image of %j everywhere", (values, image, imagePullPolicy) => {
    const objects = render(values);
    for (const { spec } of templates(objects))
      expect(spec.containers[0]).toMatchObject({ image, imagePullPolicy });
    const injector = pick(objects, "Deployment", "outrigger-injector").spec.template.spec;
    expect(pickFlag(injector, "--sidecar-image")).toBe(image);
  });

  it("goes out by the proxy, and not for the cluster", () => {
    const objects = render({
      "proxy.httpsProxy": "http://proxy:3128",
      "proxy.noProxy": "10.0.0.0/8",
    });
    for (const { spec } of templates(objects)) {
      const env = new Map(spec.containers[0].env.map((each: Rendered) => [each.name, each.value]));
      expect(env.get("NODE_USE_ENV_PROXY")).toBe("1");
      expect(env.get("HTTPS_PROXY")).toBe("http://proxy:3128");
      expect(env.get("NO_PROXY")).toMatch(
        /^\$\(KUBERNETES_SERVICE_HOST\),.*,\.svc,.*,10\.0\.0\.0\/8$/,
      );
    }
  });

  it("gives budgets as the runtime reads them", () => {
    const budgets = { maxConcurrentCalls: 100_000_000, maxBodyBytesInFlight: "64Mi" };
    const [container] = pick(render({ budgets }), "DaemonSet").spec.template.spec.containers;
    const found = container.env.filter(({ name }: Rendered) =>
      name.startsWith("OUTRIGGER_BUDGET_"),
    );
    expect(found).toEqual([
      { name: "OUTRIGGER_BUDGET_MAX_BODY_BYTES_IN_FLIGHT", value: "64Mi" },
      { name: "OUTRIGGER_BUDGET_MAX_CONCURRENT_CALLS", value: "100000000" },
    ]);
  });
});

/** The Secret that says where owners of actors are kept; `undefined` where none does. */
function coordinationOf(spec: Rendered): Rendered {
  const found = spec.containers[0].env.find(
    ({ name }: Rendered) => name === "OUTRIGGER_COORDINATION",
  );
  return found?.valueFrom.secretKeyRef;
}

/** The value of a flag of the first container; `undefined` where it is not given. */
function pickFlag(spec: Rendered, flag: string): string | undefined {
  const given = spec.containers[0].args.find((arg: string) => arg.startsWith(`${flag}=`));
  return given?.slice(flag.length + 1);
}
