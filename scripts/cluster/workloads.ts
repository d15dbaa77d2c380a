/** Pods, Deployments and Jobs of one container, as Kubernetes takes them. */
import { appsImageName } from "./images.ts";

export interface Workload {
  readonly name: string;
  /** Default: `shop`. */
  readonly namespace?: string;
  readonly command: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** More of its container: `env`, `resources`... */
  readonly container?: object;
  /** More of the pod's spec. */
  readonly spec?: object;
}

/** Annotations of an app; without a port nothing calls it. */
export function annotationsOf(appId: string, port?: number): Readonly<Record<string, string>> {
  return {
    "dapr.io/enabled": "true",
    "dapr.io/app-id": appId,
    ...(port === undefined ? {} : { "dapr.io/app-port": String(port) }),
  };
}

/** An app of `apps/` by its name, on port 3000, with its name as app id. */
export function app(
  name: string,
  more: Partial<Workload> & { readonly as?: string } = {},
): Workload {
  const { as: appId = name, ...rest } = more;
  return {
    name: appId,
    command: ["node", `/app/${name}.mjs`],
    annotations: annotationsOf(appId, 3000),
    ...rest,
    container: {
      readinessProbe: { tcpSocket: { port: 3000 }, periodSeconds: 1 },
      ...rest.container,
    },
  };
}

const metadataOf = ({ name, namespace = "shop" }: Workload): object => ({ name, namespace });

function templateOf({ name, command, annotations = {}, container, spec }: Workload): {
  readonly metadata: object;
  readonly spec: object;
} {
  return {
    metadata: { labels: { app: name }, annotations },
    spec: {
      // Programs that are process 1 of their pod do not hear SIGTERM by themselves.
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "app", image: appsImageName, command, ...container }],
      ...spec,
    },
  };
}

export function pod(workload: Workload): object {
  const { metadata, spec } = templateOf(workload);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadataOf(workload), ...metadata },
    spec,
  };
}

export function deployment(workload: Workload, replicas = 1): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(workload),
    spec: {
      replicas,
      selector: { matchLabels: { app: workload.name } },
      template: templateOf(workload),
    },
  };
}

/** One try, unless `more` (of its spec) says otherwise. */
export function job(workload: Workload, more: object = {}): object {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadataOf(workload),
    spec: jobSpec(workload, more),
  };
}

/** Its schedule never comes: `kubectl create job --from=cronjob/NAME`. */
export function cronJob(workload: Workload): object {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: metadataOf(workload),
    spec: { schedule: "0 0 30 2 *", jobTemplate: { spec: jobSpec(workload, {}) } },
  };
}

function jobSpec(workload: Workload, more: object): object {
  const template = templateOf({ ...workload, spec: { restartPolicy: "Never", ...workload.spec } });
  return { backoffLimit: 0, template, ...more };
}

/** A Component of `shop`, unless another namespace is named. */
export function component(
  name: string,
  type: string,
  metadata: Readonly<Record<string, string | object>> = {},
  more: { readonly namespace?: string; readonly scopes?: readonly string[] } = {},
): object {
  const { namespace = "shop", ...rest } = more;
  return {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace },
    spec: {
      type,
      version: "v1",
      metadata: Object.entries(metadata).map(([key, value]) =>
        typeof value === "string" ? { name: key, value } : { name: key, secretKeyRef: value },
      ),
    },
    ...rest,
  };
}
