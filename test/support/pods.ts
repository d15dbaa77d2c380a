import type { Container, Pod } from "#k8s/api/objects.ts";

/** Pods as API servers show them to a webhook, each of another kind of author. */
export const annotated = { "dapr.io/enabled": "true", "dapr.io/app-id": "web" } as const;

const app: Container = { name: "app", image: "example/app:1" };
const controllerMade = {
  volumes: [{ name: "kube-api-access-x1", projected: { sources: [] } }],
  serviceAccountName: "default",
};

export function pod(
  spec: Readonly<Record<string, unknown>> = {},
  annotations: Readonly<Record<string, string>> = {},
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", annotations: { ...annotated, ...annotations } },
    spec: { containers: [app], ...spec },
  };
}

const owner = (kind: string, name: string) => [
  { apiVersion: "v1", kind, name, uid: "u1", controller: true },
];
const made = (
  kind: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  labels: Readonly<Record<string, string>> = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    generateName: `${name}-`,
    namespace: "shop",
    labels,
    annotations: { "dapr.io/enabled": "true" },
    ownerReferences: owner(kind, name),
  },
  spec: { containers: [{ ...app, env: [{ name: "A", value: "1" }] }], ...controllerMade, ...spec },
});

export const manyPods: Readonly<Record<string, Pod>> = {
  plain: pod(),
  "with labels": {
    ...pod(),
    metadata: { ...pod().metadata, labels: { app: "x", "dapr.io/app-id": "old", "a~b/c": "1" } },
  },
  "of a Job": made("Job", "import", { restartPolicy: "Never" }, { "job-name": "import" }),
  "of a CronJob": made("Job", "report-29384756", { restartPolicy: "OnFailure" }),
  "of a DaemonSet": made("DaemonSet", "agent", { affinity: { nodeAffinity: {} } }),
  "of a Deployment": made(
    "ReplicaSet",
    "web-7d4b9c6f5d",
    {},
    { "pod-template-hash": "7d4b9c6f5d" },
  ),
  "of a StatefulSet": {
    ...made("StatefulSet", "db"),
    metadata: { ...made("StatefulSet", "db").metadata, name: "db-0" },
  },
  "of Windows": pod({ os: { name: "windows" }, nodeSelector: { "kubernetes.io/os": "windows" } }),
  "of the host's network": pod({ hostNetwork: true }),
  "with its own environment": pod({
    containers: [
      {
        ...app,
        env: [
          { name: "URL", value: "$(DAPR_HTTP_ENDPOINT)/v1.0" },
          { name: "DAPR_HTTP_ENDPOINT", value: "http://elsewhere:1" },
          { name: "APP_ID", value: "mine" },
          { name: "NAMESPACE", valueFrom: { configMapKeyRef: { name: "c", key: "k" } } },
        ],
        envFrom: [{ configMapRef: { name: "c" } }],
      },
    ],
  }),
  "with its own token": pod({
    containers: [
      {
        ...app,
        env: [
          { name: "DAPR_API_TOKEN", value: "mine" },
          { name: "B", value: "$(DAPR_API_TOKEN)" },
          { name: "DAPR_API_TOKEN", valueFrom: { secretKeyRef: { name: "s", key: "token" } } },
        ],
      },
    ],
  }),
  "with its own host address": pod({
    containers: [
      {
        ...app,
        env: [
          { name: "A", value: "1" },
          { name: "OUTRIGGER_HOST_IP", value: "10.0.0.9" },
          { name: "Z", value: "1" },
        ],
      },
    ],
  }),
  "with init containers": pod({
    initContainers: [
      { name: "setup", image: "example/setup:1" },
      { name: "proxy", image: "example/proxy:1", restartPolicy: "Always", env: [] },
    ],
  }),
  "of 100 containers": pod({
    containers: Array.from({ length: 100 }, (_, i) => ({ ...app, name: `c${i}` })),
  }),
  "with a mount at the token's place": pod({
    containers: [
      {
        ...app,
        volumeMounts: [{ name: "own", mountPath: "/var/run/secrets/outrigger.dev/token" }],
      },
    ],
    volumes: [{ name: "own", emptyDir: {} }],
  }),
  "with a forged token": pod(
    { containers: [{ ...app, env: [{ name: "DAPR_API_TOKEN", value: "abc" }] }] },
    {
      "outrigger.dev/token-sha256":
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "outrigger.dev/injected": "shared",
    },
  ),
};
