/** etcd, kube-apiserver, kube-controller-manager, kube-scheduler: the real ones, one of each. */
import { join } from "node:path";
import { ask, until } from "./ask.ts";
import { program } from "./build.ts";
import type { Credentials } from "./credentials.ts";
import { clusterDomain, type Places, serviceCidr } from "./places.ts";
import { killProcesses, pidOf, readIf, startProcess } from "./processes.ts";

export interface ControlPlane {
  readonly places: Places;
  readonly credentials: Credentials;
  /** What the API server is reached at by everybody. */
  readonly address: string;
  /** Put before each command: the network that they live in. */
  readonly prefix: readonly string[];
}

/** Starts etcd and the API server, and comes back at once. */
export function beginControlPlane(plane: ControlPlane, flags: readonly string[]): void {
  const { places, prefix } = plane;
  const { etcd, etcdPeer } = places.ports;
  const client = `http://127.0.0.1:${etcd}`;
  const peer = `http://127.0.0.1:${etcdPeer}`;
  startProcess(places.folder, "etcd", [
    ...prefix,
    program("etcd"),
    "--name=test",
    `--data-dir=${join(places.folder, "etcd")}`,
    // The data is worth nothing after the test.
    "--unsafe-no-fsync",
    "--log-level=warn",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
  ]);
  beginApiServer(plane, flags);
}

export function beginApiServer(
  { places, address, prefix }: ControlPlane,
  flags: readonly string[],
): void {
  const pki = (name: string): string => join(places.pki, name);
  const isLocal = address === "127.0.0.1";
  startProcess(places.folder, "kube-apiserver", [
    ...prefix,
    program("kube-apiserver"),
    `--etcd-servers=http://127.0.0.1:${places.ports.etcd}`,
    `--bind-address=${isLocal ? address : "0.0.0.0"}`,
    `--secure-port=${places.ports.api}`,
    `--advertise-address=${address}`,
    // A Service may not lead to a loopback address.
    `--endpoint-reconciler-type=${isLocal ? "none" : "lease"}`,
    `--tls-cert-file=${pki("apiserver.crt")}`,
    `--tls-private-key-file=${pki("apiserver.key")}`,
    `--cert-dir=${places.pki}`,
    `--client-ca-file=${pki("ca.crt")}`,
    `--token-auth-file=${pki("tokens.csv")}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    `--service-account-issuer=https://kubernetes.default.svc.${clusterDomain}`,
    `--service-account-key-file=${pki("sa.pub")}`,
    `--service-account-signing-key-file=${pki("sa.key")}`,
    `--service-cluster-ip-range=${serviceCidr}`,
    "--allow-privileged=true",
    `--kubelet-client-certificate=${pki("kubelet-client.crt")}`,
    `--kubelet-client-key=${pki("kubelet-client.key")}`,
    `--kubelet-certificate-authority=${pki("ca.crt")}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--profiling=false",
    ...flags,
  ]);
}

/** Resolves when the API server says that it is ready. */
export async function apiServerReady({ places, credentials }: ControlPlane): Promise<void> {
  const access = { ...credentials, token: credentials.adminToken };
  await until("The API server is not ready", async () => (await ask(access, "/readyz")) === 200, {
    failed: () => deathOf(places, "etcd") ?? deathOf(places, "kube-apiserver"),
  });
}

/** Starts what needs the API server, and waits until pods can be made. */
export async function finishControlPlane({
  places,
  credentials,
  prefix,
}: ControlPlane): Promise<void> {
  const own = (user: string, port: number): readonly string[] => {
    const config = join(places.folder, `${user}.kubeconfig`);
    return [
      `--kubeconfig=${config}`,
      `--authentication-kubeconfig=${config}`,
      `--authorization-kubeconfig=${config}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      `--cert-dir=${places.pki}`,
      "--leader-elect=false",
    ];
  };
  startProcess(places.folder, "kube-controller-manager", [
    ...prefix,
    program("kube-controller-manager"),
    ...own("controllers", places.ports.controllers),
    // With the usual limits, a client for each controller makes the first account seconds late.
    "--kube-api-qps=500",
    "--kube-api-burst=500",
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${join(places.pki, "sa.key")}`,
    `--root-ca-file=${join(places.pki, "ca.crt")}`,
    `--cluster-signing-cert-file=${join(places.pki, "ca.crt")}`,
    `--cluster-signing-key-file=${join(places.pki, "ca.key")}`,
  ]);
  startProcess(places.folder, "kube-scheduler", [
    ...prefix,
    program("kube-scheduler"),
    ...own("scheduler", places.ports.scheduler),
  ]);
  const access = { ...credentials, token: credentials.adminToken };
  const account = "/api/v1/namespaces/default/serviceaccounts/default";
  await until("No default ServiceAccount", async () => (await ask(access, account)) === 200, {
    failed: () => deathOf(places, "kube-controller-manager") ?? deathOf(places, "kube-scheduler"),
  });
}

/** SIGTERM would wait a minute for open watches. */
export async function killApiServer({ places }: ControlPlane): Promise<void> {
  await killProcesses(places.folder, ["kube-apiserver"]);
}

/** What a program said before it ended; `undefined` while it runs. */
export function deathOf(places: Places, name: string): string | undefined {
  if (pidOf(places.folder, name) !== undefined) return undefined;
  return `${name} ended: ${logEnd(places, name, 1500)}`;
}

/** The last characters of a log. */
export function logEnd({ log }: Places, name: string, chars: number): string {
  return (readIf(join(log, `${name}.log`)) ?? "").slice(-chars);
}
