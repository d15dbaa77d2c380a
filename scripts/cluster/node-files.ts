/** What a real node's programs are told. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type NodePlaces, type Places, clusterDomain } from "./places.ts";

export const pauseImageName = "outrigger.test/pause:1";

/** JSON is YAML; containerd wants TOML. */
export async function writeNodeFiles(places: Places, node: NodePlaces): Promise<void> {
  const keep = (name: string, content: string | object): Promise<void> =>
    writeFile(
      join(node.folder, name),
      typeof content === "string" ? content : JSON.stringify(content, null, 1),
    );
  const [first] = places.nodes;
  await Promise.all([
    keep("containerd.toml", containerd(node)),
    keep("cni/10-bridge.conflist", bridge(node)),
    keep("kubelet.yaml", kubelet(places, node)),
    keep("kube-proxy.yaml", proxy(places, node)),
    // Of pods with `dnsPolicy: Default`.
    keep("resolv.conf", "nameserver 127.0.0.1\n"),
    ...(node === first ? [keep("Corefile", dns(places, node))] : []),
  ]);
}

function containerd({ folder, containerd: socket }: NodePlaces): string {
  const runtime = `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc`;
  return `version = 2
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
[grpc]
address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${pauseImageName}"
disable_apparmor = true
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
${runtime}]
runtime_type = "io.containerd.runc.v2"
${runtime}.options]
SystemdCgroup = false
`;
}

function bridge({ folder, podCidr }: NodePlaces): object {
  return {
    cniVersion: "0.4.0",
    name: "outrigger",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          dataDir: join(folder, "addresses"),
          ranges: [[{ subnet: podCidr }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

function kubelet({ pki, nodes }: Places, node: NodePlaces): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    failCgroupV1: false,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${node.cgroup}`,
    containerRuntimeEndpoint: `unix://${node.containerd}`,
    imageServiceEndpoint: `unix://${node.containerd}`,
    address: node.ip,
    healthzBindAddress: "127.0.0.1",
    readOnlyPort: 0,
    tlsCertFile: join(pki, `kubelet-${node.name}.crt`),
    tlsPrivateKeyFile: join(pki, `kubelet-${node.name}.key`),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(pki, "ca.crt") },
    },
    authorization: { mode: "Webhook" },
    resolvConf: join(node.folder, "resolv.conf"),
    podLogsDir: join(node.folder, "pod-logs"),
    clusterDomain,
    clusterDNS: [nodes[0].ip],
    failSwapOn: false,
    oomScoreAdj: 0,
    enforceNodeAllocatable: ["pods"],
    evictionHard: {
      "memory.available": "100Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
    },
    // An image that went to make room could not be had again.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    serializeImagePulls: false,
    maxPods: 110,
  };
}

function proxy({ folder, podCidr }: Places, { name }: NodePlaces): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
    clientConnection: { kubeconfig: join(folder, "admin.kubeconfig") },
    hostnameOverride: name,
    clusterCIDR: podCidr,
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
    // The whole machine's settings: hands off.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
}

function dns({ folder }: Places, { ip }: NodePlaces): string {
  return `.:53 {
  bind ${ip}
  errors
  kubernetes ${clusterDomain} {
    kubeconfig ${join(folder, "admin.kubeconfig")} test
  }
}
`;
}
