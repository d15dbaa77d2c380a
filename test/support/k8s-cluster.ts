import type { KubeObject } from "#k8s/api/objects.ts";
import type { KubeApiDouble } from "#test/doubles/kube-api.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";

const system = "outrigger-system";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** A pod as the API server shows it, ready unless said otherwise. */
export function pod(
  namespace: string,
  name: string,
  more: {
    readonly node?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly owner?: { readonly kind: string; readonly name: string };
    readonly containers?: readonly string[];
    readonly initContainers?: readonly string[];
    readonly status?: object;
    readonly ready?: boolean;
  } = {},
): KubeObject {
  const containers = more.containers ?? ["main"];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      namespace,
      name,
      creationTimestamp: new Date(Date.now() - 3_600_000 * 5).toISOString(),
      annotations: more.annotations ?? {},
      ownerReferences: more.owner ? [{ ...more.owner, uid: "1", controller: true }] : [],
    },
    spec: {
      nodeName: more.node ?? "n1",
      containers: containers.map((each) => ({ name: each, image: "outrigger:0.1.0" })),
      initContainers: (more.initContainers ?? []).map((each) => ({ name: each })),
    },
    status: more.status ?? {
      phase: "Running",
      conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }],
    },
  } as KubeObject;
}

/** An annotated pod that the injector has seen. */
export function appPod(
  namespace: string,
  name: string,
  more: Parameters<typeof pod>[2] & { readonly app?: string; readonly mode?: string } = {},
): KubeObject {
  const { app, mode = "shared", annotations, ...rest } = more;
  return pod(namespace, name, {
    ...rest,
    annotations: {
      "dapr.io/enabled": "true",
      ...(app === undefined ? {} : { "dapr.io/app-id": app }),
      ...(mode === "none" ? {} : { "outrigger.dev/injected": mode }),
      ...annotations,
    },
  });
}

/** Two nodes, the chart installed, all well. Further objects make it otherwise. */
export async function healthyCluster(api: KubeApiDouble): Promise<void> {
  serveKinds(api);
  const forever = { times: Number.POSITIVE_INFINITY };
  api.fail({ path: "/version", text: '{"gitVersion": "v1.35.4"}', ...forever });
  api.fail({
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    text: '{"status": {"allowed": true}}',
    ...forever,
  });
  api.fail({
    verb: "create",
    path: /\/pods$/,
    text: '{"metadata": {"annotations": {"outrigger.dev/injected": "shared"}}}',
    ...forever,
  });
  for (const name of ["n1", "n2"]) {
    api.put({ apiVersion: "v1", kind: "Node", metadata: { name } });
    api.put(
      pod(system, `outrigger-node-${name}`, {
        node: name,
        owner: { kind: "DaemonSet", name: "outrigger-node" },
      }),
    );
  }
  put(api, "apps/v1", "DaemonSet", "outrigger-node", {
    status: { desiredNumberScheduled: 2, numberReady: 2, updatedNumberScheduled: 2 },
  });
  for (const name of ["outrigger-injector", "outrigger-ca"])
    put(api, "apps/v1", "Deployment", name, {
      spec: { replicas: 2 },
      status: { readyReplicas: 2 },
    });
  put(api, "discovery.k8s.io/v1", "EndpointSlice", "outrigger-injector-abc", {
    metadata: {
      namespace: system,
      name: "outrigger-injector-abc",
      labels: { "kubernetes.io/service-name": "outrigger-injector" },
    },
    endpoints: [{ conditions: { ready: true } }, { conditions: { ready: true } }],
  });
  const authority = await testAuthority();
  const { certificate } = await authority.issue("outrigger-injector");
  put(api, "v1", "Secret", "outrigger-injector-cert", {
    data: { "tls.crt": base64(certificate), "tls.key": base64("never shown") },
  });
  webhook(api, "outrigger-injector", authority.certificate);
  put(api, "v1", "ConfigMap", "outrigger-trust-bundle", {
    data: { "ca.crt": authority.certificate },
  });
}

export function webhook(api: KubeApiDouble, name: string, ca: string): void {
  api.put({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name },
    webhooks: [
      {
        name: `${name}.dev`,
        clientConfig: { caBundle: base64(ca), service: { namespace: system, name } },
      },
    ],
  } as KubeObject);
}

export function put(
  api: KubeApiDouble,
  apiVersion: string,
  kind: string,
  name: string,
  more: object,
): void {
  api.put({ apiVersion, kind, metadata: { namespace: system, name }, ...more } as KubeObject);
}
