import { describe, expect, it } from "vitest";
import type { Container, EnvVar, Pod } from "#k8s/api/objects.ts";
import { daprdFlags } from "#targets/cli/daprd-flags.ts";
import { daprdOptions } from "#targets/cli/daprd-options.ts";
import { readFlags } from "#targets/cli/flags.ts";
import { parseArgs } from "#targets/cli/parse-args.ts";
import { inject, type Injection, type ReviewChanges, reviewDeps } from "#test/support/injector.ts";
import { pod } from "#test/support/pods.ts";

interface Sidecar extends Container {
  readonly args: readonly string[];
  readonly ports: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>;
  readonly [field: string]: unknown;
}
const sidecarPod = (
  annotations: Readonly<Record<string, string>> = {},
  spec: Readonly<Record<string, unknown>> = {},
): Pod => pod(spec, { "outrigger.dev/mode": "sidecar", ...annotations });
const injected = (of: Pod, changes?: ReviewChanges): Injection => {
  const injection = inject(of, reviewDeps(changes));
  expect(injection.reviewed.body.response.status).toBeUndefined();
  return injection;
};
const sidecarOf = ({ pod: of }: Injection): Sidecar => of.spec?.initContainers?.at(-1) as Sidecar;
const envOf = (of: Container | undefined): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    (of?.env ?? []).map(({ name, value, valueFrom }: EnvVar) => [name, value ?? valueFrom]),
  );

/** The options that `outrigger sidecar` makes of the container's command line. */
function optionsOf({ args }: Sidecar, env: Readonly<Record<string, string>> = {}) {
  const [command, ...rest] = args;
  expect(command).toBe("sidecar");
  const parsed = parseArgs(daprdFlags, rest, { restIsCommand: false, letters: false });
  expect({ unknown: parsed.unknown, rest: parsed.rest }).toEqual({ unknown: [], rest: [] });
  return daprdOptions(readFlags(daprdFlags, parsed.given), env);
}

const anchors = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

describe("a pod in sidecar mode", () => {
  it("gets a native sidecar after its own init containers, and environment for its app", () => {
    const all = injected(sidecarPod({}, { initContainers: [{ name: "setup" }] }));
    expect(all.pod.spec?.initContainers?.map(({ name }) => name)).toEqual(["setup", "daprd"]);
    expect(all.pod.spec?.initContainers?.[0]).toEqual({ name: "setup" });
    const sidecar = sidecarOf(all);
    expect(sidecar).toMatchObject({
      image: "example/outrigger:1",
      restartPolicy: "Always",
      securityContext: {
        allowPrivilegeEscalation: false,
        runAsNonRoot: true,
        runAsUser: 65_532,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
      startupProbe: { httpGet: { path: "/v1.0/healthz/outbound", port: 3501 } },
      readinessProbe: {
        httpGet: { path: "/v1.0/healthz", port: 3501 },
        initialDelaySeconds: 1,
        timeoutSeconds: 1,
        periodSeconds: 1,
        failureThreshold: 5,
      },
      livenessProbe: {
        tcpSocket: { port: 3501 },
        initialDelaySeconds: 180,
        timeoutSeconds: 3,
        periodSeconds: 10,
        failureThreshold: 5,
      },
      ports: [
        { name: "dapr-http", containerPort: 3500 },
        { name: "dapr-grpc", containerPort: 50_001 },
        { name: "dapr-internal", containerPort: 50_002 },
        { name: "dapr-metrics", containerPort: 9090 },
      ],
    });
    expect(sidecar).not.toHaveProperty("resources");
    expect(envOf(sidecar)).toMatchObject({
      NAMESPACE: "shop",
      POD_NAME: { fieldRef: { fieldPath: "metadata.name" } },
      DAPR_HOST_IP: { fieldRef: { fieldPath: "status.podIP" } },
      DAPR_CONTROLPLANE_NAMESPACE: "outrigger-system",
      DAPR_CONTROLPLANE_TRUST_DOMAIN: "cluster.local",
    });
    expect(envOf(all.pod.spec?.containers?.[0])).toMatchObject({
      DAPR_HTTP_PORT: "3500",
      DAPR_GRPC_PORT: "50001",
      APP_PROTOCOL: "http",
    });
    expect(envOf(all.pod.spec?.containers?.[0])).not.toHaveProperty("DAPR_API_TOKEN");
    expect(envOf(all.pod.spec?.containers?.[0])).not.toHaveProperty("DAPR_HTTP_ENDPOINT");
    expect(all.pod.metadata.annotations).toMatchObject({ "outrigger.dev/injected": "sidecar" });
    expect(all.pod.metadata.annotations).not.toHaveProperty("outrigger.dev/token-sha256");
  });

  it("has flags that the runtime reads as Dapr's", () => {
    const options = optionsOf(
      sidecarOf(
        injected(
          sidecarPod({
            "dapr.io/app-port": "8080",
            "dapr.io/app-protocol": "grpc",
            "dapr.io/app-max-concurrency": "4",
            "dapr.io/grpc-port": "50011",
            "dapr.io/internal-grpc-port": "50012",
            "dapr.io/metrics-port": "9091",
            "dapr.io/config": "tracing",
            "dapr.io/enable-api-logging": "false",
            "dapr.io/enable-app-health-check": "true",
            "dapr.io/app-health-check-path": "/alive",
            "dapr.io/app-binding-options-timeout": "7s",
            "dapr.io/disable-init-endpoints": "config",
            "dapr.io/max-body-size": "16Mi",
            "dapr.io/http-max-request-size": "-1",
            "dapr.io/read-buffer-size": "8Ki",
            "dapr.io/graceful-shutdown-seconds": "20",
            "dapr.io/block-shutdown-duration": "1500ms",
            "dapr.io/unix-domain-socket-path": "/tmp/dapr",
            "dapr.io/app-channel-address": "127.0.0.2",
          }),
          {
            sidecar: {
              sentryAddress: "outrigger-ca.outrigger-system:443",
              trustAnchors: () => anchors,
            },
          },
        ),
      ),
    );
    expect(options).toMatchObject({
      appId: "web",
      appPort: 8080,
      appProtocol: "grpc",
      appMaxConcurrency: 4,
      appChannelAddress: "127.0.0.2",
      httpPort: 3500,
      grpcPort: 50_011,
      internalPort: 50_012,
      publicPort: 3501,
      metricsPort: 9091,
      apiLogging: false,
      appHealth: { path: "/alive", intervalMs: 5000, timeoutMs: 500, threshold: 3 },
      bindingProbeMs: 7000,
      disableInitEndpoints: ["config"],
      maxBodyBytes: 16 * 1024 * 1024,
      readBufferBytes: 8192,
      gracefulShutdownMs: 20_000,
      blockShutdownMs: 1500,
      unixSocketFolder: "/var/run/dapr-sockets",
      listenAddresses: ["::1", "127.0.0.1"],
      mtls: {
        sentryAddress: "outrigger-ca.outrigger-system:443",
        controlPlaneTrustDomain: "cluster.local",
        controlPlaneNamespace: "outrigger-system",
      },
    });
  });

  it("keeps owners of actors in the actor state store, or where its environment says, never in a file", () => {
    const on = { actors: true, jobs: true, group: "default", hasFile: false };
    const sidecar = sidecarOf(injected(sidecarPod()));
    expect(optionsOf(sidecar).coordination).toEqual(on);
    // The runtimes of the nodes have a database that it is not told of: two would decide about the same actors.
    const other = sidecarOf(injected(sidecarPod(), { sidecar: { hasActors: false } }));
    expect(optionsOf(other).coordination).toBeUndefined();
    const told = injected(
      sidecarPod({ "dapr.io/env-from-secret": "OUTRIGGER_COORDINATION=db:connection,A=b" }),
      { sidecar: { hasActors: false } },
    );
    expect(envOf(sidecarOf(told))).toMatchObject({
      OUTRIGGER_COORDINATION: { secretKeyRef: { name: "db", key: "connection" } },
      // Its resources cannot read it.
      DAPR_ENV_KEYS: "A",
    });
    const env = { OUTRIGGER_COORDINATION: "redis:db:6379" };
    expect(optionsOf(sidecarOf(told), env).coordination).toEqual({
      ...on,
      driver: { type: "coordination.redis", metadata: { redishost: "db:6379" } },
    });
  });

  it("has no metrics where none are wanted", () => {
    const sidecar = sidecarOf(injected(sidecarPod({ "dapr.io/enable-metrics": "false" })));
    expect(optionsOf(sidecar)).not.toHaveProperty("metricsPort");
    expect(sidecar.ports.map(({ name }) => name)).not.toContain("dapr-metrics");
  });

  it("takes image, resources, probes and seccomp from annotations", () => {
    const sidecar = sidecarOf(
      injected(
        sidecarPod({
          "dapr.io/sidecar-image": "example/other:2",
          "dapr.io/sidecar-cpu-request": "50m",
          "dapr.io/sidecar-memory-limit": "128Mi",
          "dapr.io/sidecar-liveness-probe-delay-seconds": "3",
          "dapr.io/sidecar-readiness-probe-threshold": "9",
          "dapr.io/sidecar-seccomp-profile-type": "unconfined",
        }),
        { sidecar: { imagePullPolicy: "IfNotPresent" } },
      ),
    );
    expect(sidecar).toMatchObject({
      image: "example/other:2",
      imagePullPolicy: "IfNotPresent",
      resources: { requests: { cpu: "50m" }, limits: { memory: "128Mi" } },
      livenessProbe: { initialDelaySeconds: 3 },
      readinessProbe: { failureThreshold: 9 },
      securityContext: { seccompProfile: { type: "Unconfined" } },
    });
  });

  it("reads lists of variables, secrets and mounts as Dapr does, and says what it leaves out", () => {
    const all = injected(
      sidecarPod(
        {
          "dapr.io/env": "A=1, B=x,y ,C=p=q,broken",
          "dapr.io/env-from-secret": "S=sec, T=sec:key, U=a:b:c, V=",
          "dapr.io/volume-mounts": "data:/data, gone:/x, wrong",
          "dapr.io/volume-mounts-rw": "scratch:/scratch",
          "dapr.io/api-token-secret": "api",
          "dapr.io/app-token-secret": "app",
        },
        {
          volumes: [
            { name: "data", emptyDir: {} },
            { name: "scratch", emptyDir: {} },
          ],
        },
      ),
    );
    expect(envOf(sidecarOf(all))).toMatchObject({
      A: "1",
      B: "x,y",
      C: "p=q,broken",
      S: { secretKeyRef: { name: "sec", key: "sec" } },
      T: { secretKeyRef: { name: "sec", key: "key" } },
      DAPR_ENV_KEYS: "A B C S T",
      DAPR_API_TOKEN: { secretKeyRef: { name: "api", key: "token" } },
      APP_API_TOKEN: { secretKeyRef: { name: "app", key: "token" } },
    });
    expect(sidecarOf(all).volumeMounts).toEqual(
      expect.arrayContaining([
        { name: "data", mountPath: "/data", readOnly: true },
        { name: "scratch", mountPath: "/scratch" },
      ]),
    );
    expect(all.reviewed.body.response.warnings).toEqual([
      "dapr.io/env-from-secret: U is left out: write U=secret or U=secret:key",
      "dapr.io/env-from-secret: V is left out: write V=secret or V=secret:key",
      'dapr.io/volume-mounts: volume "gone" is left out: the pod has none of that name',
      'dapr.io/volume-mounts: "wrong" is left out: write volume:/path',
    ]);
  });

  it("leaves generic names to the envFrom of an app's container", () => {
    const envFrom = [{ secretRef: { name: "s" } }];
    const all = injected(sidecarPod({}, { containers: [{ name: "app", envFrom }] }));
    expect(envOf(all.pod.spec?.containers?.[0])).toEqual({
      DAPR_HTTP_PORT: "3500",
      DAPR_GRPC_PORT: "50001",
    });
    expect(envOf(sidecarOf(all))).toHaveProperty("POD_NAME");
    expect(all.reviewed.body.response.warnings).toEqual([
      'container "app": its envFrom may set APP_ID, APP_PROTOCOL, NAMESPACE, POD_NAME: the injector\'s are left out',
    ]);
  });

  const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  const access = { name: "outrigger-api-access", mountPath: folder, readOnly: true };
  const mounted = (name: string): Readonly<Record<string, unknown>> => ({
    containers: [{ name: "app", volumeMounts: [{ name, mountPath: folder }] }],
    volumes: [{ name, projected: { sources: [] } }],
  });
  it.each<[what: string, spec: Readonly<Record<string, unknown>>]>([
    ["the pod's containers have none", { automountServiceAccountToken: false }],
    ["its author has made one for the app", mounted("own")],
  ])("has a token of its own for the API server where %s", (_what, spec) => {
    const all = injected(sidecarPod({}, spec));
    expect(sidecarOf(all).volumeMounts).toContainEqual(access);
    expect(all.pod.spec?.containers?.[0]?.volumeMounts ?? []).not.toContainEqual(access);
    expect(all.pod.spec?.volumes).toContainEqual({
      name: "outrigger-api-access",
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
          { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          {
            downwardAPI: {
              items: [
                {
                  path: "namespace",
                  fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" },
                },
              ],
            },
          },
        ],
      },
    });
    expect(inject(all.pod).patch).toEqual([]);
  });

  it("is left to Kubernetes' own token where that gives one, also the second time", () => {
    const all = injected(sidecarPod({}, mounted("kube-api-access-x1")));
    expect(JSON.stringify(all.pod)).not.toContain("outrigger-api-access");
    // Kubernetes has mounted it before the second look.
    const sidecar = sidecarOf(all);
    const again = {
      ...all.pod,
      spec: {
        ...all.pod.spec,
        initContainers: [
          {
            ...sidecar,
            volumeMounts: [
              ...(sidecar.volumeMounts ?? []),
              { name: "kube-api-access-x1", mountPath: folder },
            ],
          },
        ],
      },
    };
    expect(inject(again).patch).toEqual([]);
  });

  it("takes a volume for the API server that an annotation mounts", () => {
    const volumes = [{ name: "own", projected: { sources: [] } }];
    const all = injected(sidecarPod({ "dapr.io/volume-mounts": `own:${folder}` }, { volumes }));
    const there = sidecarOf(all).volumeMounts?.filter(({ mountPath }) => mountPath === folder);
    expect(there).toEqual([{ name: "own", mountPath: folder, readOnly: true }]);
    expect(JSON.stringify(all.pod)).not.toContain("outrigger-api-access");
  });

  it("shares a folder for sockets with the app", () => {
    const all = injected(sidecarPod({ "dapr.io/unix-domain-socket-path": "/tmp/dapr" }));
    expect(all.pod.spec?.volumes).toContainEqual({
      name: "dapr-unix-domain-socket",
      emptyDir: { medium: "Memory" },
    });
    expect(all.pod.spec?.containers?.[0]?.volumeMounts).toEqual([
      { name: "dapr-unix-domain-socket", mountPath: "/tmp/dapr" },
    ]);
    expect(sidecarOf(all).volumeMounts).toContainEqual({
      name: "dapr-unix-domain-socket",
      mountPath: "/var/run/dapr-sockets",
    });
  });

  it("shares another folder with containers that are components", () => {
    const all = injected(
      sidecarPod(
        { "dapr.io/pluggable-components": "store, queue" },
        { containers: [{ name: "app" }, { name: "store" }] },
      ),
    );
    const [app, store] = all.pod.spec?.containers ?? [];
    expect(envOf(app)).not.toHaveProperty("DAPR_COMPONENT_SOCKETS_FOLDER");
    expect(envOf(store)).toEqual({ DAPR_COMPONENT_SOCKETS_FOLDER: "/tmp/dapr-components-sockets" });
    const mount = {
      name: "dapr-components-unix-domain-socket",
      mountPath: "/tmp/dapr-components-sockets",
    };
    expect(store?.volumeMounts).toEqual([mount]);
    expect(sidecarOf(all).volumeMounts).toContainEqual(mount);
    expect(envOf(sidecarOf(all))).toMatchObject({
      DAPR_COMPONENTS_SOCKETS_FOLDER: "/tmp/dapr-components-sockets",
    });
  });

  it("gets a token for the certificate authority where there is one", () => {
    const all = injected(sidecarPod(), {
      sidecar: { sentryAddress: "ca:443", trustAnchors: () => anchors },
    });
    expect(envOf(sidecarOf(all))).toMatchObject({
      DAPR_TRUST_ANCHORS: anchors,
      DAPR_SENTRY_TOKEN_FILE: "/var/run/secrets/dapr.io/sentrytoken/token",
    });
    expect(JSON.stringify(all.pod.spec?.volumes)).toContain(
      '"audience":"spiffe://cluster.local/ns/outrigger-system/dapr-sentry"',
    );
  });

  it.each<[what: string, of: Pod, changes: ReviewChanges, message: RegExp]>([
    [
      "without roots",
      sidecarPod(),
      { sidecar: { sentryAddress: "ca:443" } },
      /outrigger\.dev\/mode: a sidecar needs the roots of the authority, and there are none yet/,
    ],
    [
      "with roots that cannot be read",
      sidecarPod(),
      {
        sidecar: {
          sentryAddress: "ca:443",
          trustAnchors: () => {
            throw new Error("ENOENT");
          },
        },
      },
      /a sidecar needs the roots of the authority: ENOENT/,
    ],
    [
      "without an image",
      sidecarPod(),
      { sidecar: { image: "" } },
      /^.*dapr\.io\/sidecar-image: the injector knows no image/,
    ],
    [
      "in the host's network",
      sidecarPod({}, { hostNetwork: true }),
      {},
      /outrigger\.dev\/mode: a sidecar in the host's network/,
    ],
    [
      "on Windows",
      sidecarPod({}, { os: { name: "windows" } }),
      {},
      /outrigger\.dev\/mode: the sidecar needs a node of Linux/,
    ],
  ])("is refused %s", (_what, of, changes, message) => {
    const { reviewed, patch } = inject(of, reviewDeps(changes));
    expect(patch).toEqual([]);
    expect(reviewed.body.response.status?.message).toMatch(message);
  });
});
