/** The tool of these tests itself: what it starts is a Kubernetes, and what it ends is gone. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import type { Cluster } from "../../scripts/cluster/api.ts";
import { startCluster } from "../../scripts/cluster/cluster.ts";
import { describeCluster, describeOn } from "../../scripts/cluster/describe.ts";
import {
  appsImage,
  appsImageName,
  busyboxImageName,
  runtimeImage,
  runtimeImageName,
} from "../../scripts/cluster/images.ts";
import { placesOf } from "../../scripts/cluster/places.ts";

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase: string; readonly podIP?: string; readonly hostIP?: string };
}

const pod = (name: string, container: object): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "main", image: busyboxImageName, ...container }] },
});
/** For DaemonSets and Jobs. */
const template = (name: string, container: object, rest: object = {}): object => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: "main", image: busyboxImageName, ...container }], ...rest },
});
const onHost = [{ name: "HOST", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } }];

await describeCluster("A control plane", { mode: "control" }, (cluster) => {
  it("is a Kubernetes of the version that go.mod says", async () => {
    const version = JSON.parse(await cluster().kubectl(["version", "-o", "json"])) as {
      readonly serverVersion: { readonly gitVersion: string };
    };
    expect(version.serverVersion.gitVersion).toBe("v1.35.4");
  });

  it("takes a pod, which waits for a node", async () => {
    await cluster().apply([pod("waiting", { command: ["true"] })]);
    const { status, spec } = await cluster().get<Pod>("pod", "waiting");
    expect({ phase: status.phase, node: spec.nodeName }).toEqual({
      phase: "Pending",
      node: undefined,
    });
  });

  it("says why it refuses nonsense", async () => {
    await expect(cluster().apply([{ apiVersion: "v1", kind: "Nothing" }])).rejects.toThrow(
      /Nothing/,
    );
    const ran = await cluster().tryKubectl(["get", "pod", "nobody"]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('pods "nobody" not found');
  });

  it("is gone while its API server is, and is what it was afterwards", async () => {
    await cluster().stopApiServer();
    const asked = await cluster().tryKubectl(["get", "ns", "--request-timeout=2s"]);
    expect(asked.code).not.toBe(0);
    await cluster().startApiServer();
    expect((await cluster().get<Pod>("pod", "waiting")).metadata.name).toBe("waiting");
  });

  it("issues a certificate for a webhook", async () => {
    const { cert, key } = await cluster().certificate({ ip: ["127.0.0.1"] });
    expect(cert).toContain("BEGIN CERTIFICATE");
    expect(key).toContain("BEGIN PRIVATE KEY");
  });

  it("has helm", async () => {
    expect(await cluster().helm(["version", "--short"])).toContain("v3.22.0");
    expect(JSON.parse(await cluster().helm(["list", "-o", "json"]))).toEqual([]);
  });
});

await describeOn("Clusters side by side", "control", () => {
  it("have slots of their own, and what is asked twice is refused", async () => {
    await using one = await startCluster({ mode: "control" });
    await using other = await startCluster({ mode: "kwok", kwokNodes: 1 });
    expect(other.slot).not.toBe(one.slot);
    await expect(startCluster({ mode: "control", slot: one.slot })).rejects.toThrow(
      `Slot ${one.slot} is taken`,
    );
    expect(await one.get("nodes")).toMatchObject({ items: [] });
    expect(await other.get("nodes")).toMatchObject({ items: [{ metadata: { name: "kwok-0" } }] });
  });

  it("end with what started them failing", async () => {
    const started = startCluster({ mode: "control", apiServerFlags: ["--no-such-flag"] });
    await expect(started).rejects.toThrow("unknown flag: --no-such-flag");
  });

  it("clear up what a killed process left", async () => {
    const slot = 48;
    const tool = new URL("../../scripts/cluster/cluster.ts", import.meta.url);
    const script = `
      const { startCluster } = await import(${JSON.stringify(tool.href)});
      await startCluster({ mode: "control", slot: ${slot} });
      process.kill(process.pid, "SIGKILL");`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script]);
    expect(signal).toBe("SIGKILL");
    expect(remains(slot).length).toBeGreaterThan(4);
    await using again = await startCluster({ mode: "control", slot });
    expect(await again.get("namespace", "default")).toBeDefined();
  });
});

await describeCluster("Pretended nodes", { mode: "kwok" }, (cluster) => {
  it("complete Jobs without a process", async () => {
    await cluster().apply([
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "many", namespace: "default" },
        spec: {
          parallelism: 5,
          completions: 5,
          template: template("many", {}, { restartPolicy: "Never" }),
        },
      },
    ]);
    await cluster().kubectl(["wait", "--for=condition=Complete", "job/many", "--timeout=30s"]);
  });
});

await describeCluster(
  "A watch from a forgotten version",
  { mode: "control", apiServerFlags: ["--watch-cache=false"] },
  (cluster) => {
    it("is answered with 410", async () => {
      const { metadata } = await cluster().get<{ metadata: { resourceVersion: string } }>("ns");
      const { resourceVersion } = (
        await cluster().get<{ metadata: { resourceVersion: string } }>("ns", "default")
      ).metadata;
      expect(metadata).toBeDefined();
      await cluster().kubectl(["create", "namespace", "later"]);
      await cluster().compactHistory();
      const watched = await cluster().tryKubectl([
        "get",
        "--raw",
        `/api/v1/namespaces?watch=1&timeoutSeconds=5&resourceVersion=${resourceVersion}`,
      ]);
      expect(watched.stdout + watched.stderr).toMatch(/Expired/);
    });
  },
);

await describeOn("Real nodes", "node2", () => {
  it("run our image and Jobs that reach their node, and leave nothing", async () => {
    const before = machine();
    const images = [await runtimeImage(), await appsImage()];
    const since = performance.now();
    let slot: number;
    {
      await using cluster = await startCluster({ mode: "node", images });
      const upMs = performance.now() - since;
      slot = cluster.slot;
      expect(remains(slot).length).toBeGreaterThan(10);
      await runVersion(cluster);
      await serveAndAsk(cluster);
      await nodesAreTheirOwn(cluster);
      expect(upMs, "up with two images").toBeLessThan(15_000);
    }
    await vi.waitFor(() => expect(remains(slot)).toEqual([]), { timeout: 5000 });
    expect(machine()).toBe(before);
  });

  it("leave nothing either when an image is none", async () => {
    const slot = 49;
    const none = fileURLToPath(import.meta.url);
    for (const image of ["/nowhere.tar", none]) {
      await expect(startCluster({ mode: "node", images: [image], slot })).rejects.toThrow(
        `images import ${image}" ended with 1`,
      );
      await vi.waitFor(() => expect(remains(slot)).toEqual([]), { timeout: 5000 });
    }
  });

  it("reach each other's pods", async () => {
    await using cluster = await startCluster({ mode: "node2", images: [await appsImage()] });
    expect(cluster.nodes.map(({ name }) => name)).toEqual(["node-a", "node-b"]);
    await serve(cluster);
    const { items } = await cluster.get<{ items: Pod[] }>("pods", "-l", "app=server");
    expect(new Set(items.map(({ spec }) => spec.nodeName))).toEqual(new Set(["node-a", "node-b"]));
    for (const { name, ip } of cluster.nodes) {
      await cluster.apply([
        pod(`asks-${name}`, { command: ["wget", "-qO-", `http://${ip}:3500/`] }),
      ]);
      await finished(cluster, `asks-${name}`);
      const { status } = await cluster.get<Pod>("pod", `asks-${name}`);
      // It is seen with its own address, on its own node as from the other.
      expect(await cluster.kubectl(["logs", `asks-${name}`])).toBe(`${status.podIP} on ${name}`);
    }
  });
});

/** The image takes commands as arguments, without rights and without writing. */
async function runVersion(cluster: Cluster): Promise<void> {
  const securityContext = {
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
  };
  const container = { image: runtimeImageName, args: ["version"], securityContext };
  await cluster.apply([
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "version", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "version" } },
        template: template("version", container),
      },
    },
  ]);
  await eventually(
    async () =>
      (await cluster.tryKubectl(["logs", "daemonset/version"])).stdout.includes("outrigger "),
    { withinMs: 30_000, what: "the version in the log" },
  );
  expect(await cluster.nodeExec("node-a", ["ps", "-eo", "comm"])).toContain("kubelet");
}

/** A server on each node's own address and a Job that finds it there. */
async function serveAndAsk(cluster: Cluster): Promise<void> {
  await serve(cluster);
  await cluster.apply([
    {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "asks", namespace: "default" },
      spec: {
        backoffLimit: 0,
        template: template(
          "asks",
          { command: ["sh", "-c", 'wget -qO- "http://$HOST:3500/"'], env: onHost },
          { restartPolicy: "Never" },
        ),
      },
    },
  ]);
  await cluster.kubectl(["wait", "--for=condition=Complete", "job/asks", "--timeout=30s"]);
  const { items } = await cluster.get<{ items: Pod[] }>("pods", "-l", "app=asks");
  const ip = items[0]?.status.podIP;
  expect(await cluster.kubectl(["logs", "job/asks"])).toBe(`${ip} on node-a`);
  expect(await answer(`http://${cluster.nodes[0]?.ip}:3500/`)).toBe(
    `${cluster.hostAddress} on node-a`,
  );
}

async function serve(cluster: Cluster): Promise<void> {
  const script = `import { createServer } from "node:http";
    import { DaprClient } from "/app/sdk.mjs";
    const serve = (asked, answer) => answer.end(asked.socket.remoteAddress + " on " + process.env.NODE);
    if (typeof DaprClient === "function") createServer(serve).listen(3500, process.env.HOST);`;
  const name = { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } };
  const container = {
    image: appsImageName,
    command: ["node", "--input-type=module", "-e", script],
    env: [...onHost, name],
    readinessProbe: { httpGet: { path: "/", port: 3500 }, periodSeconds: 1 },
  };
  await cluster.apply([
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "server", namespace: "default" },
      spec: {
        selector: { matchLabels: { app: "server" } },
        template: template("server", container, { hostNetwork: true }),
      },
    },
  ]);
  await cluster.kubectl(["rollout", "status", "daemonset/server", "--timeout=60s"], {
    timeoutMs: 65_000,
  });
}

/** Programs of this machine can run in a node's network; names of Services have addresses there. */
async function nodesAreTheirOwn(cluster: Cluster): Promise<void> {
  const addresses = execFileSync("nsenter", [
    ...cluster.networkPrefix("node-a").slice(1),
    ..."ip -o -4 addr show eth0".split(" "),
  ]).toString();
  expect(addresses).toContain(`${cluster.nodes[0]?.ip}/`);
  expect(() => cluster.networkPrefix("node-z")).toThrow('no real node "node-z"');
  await cluster.apply([
    pod("names", { command: ["nslookup", "kubernetes.default.svc.cluster.local"] }),
  ]);
  await finished(cluster, "names");
  expect(await cluster.kubectl(["logs", "names"])).toContain("10.96.0.1");
}

async function finished(cluster: Cluster, name: string): Promise<void> {
  await cluster.kubectl([
    "wait",
    `pod/${name}`,
    "--timeout=30s",
    "--for=jsonpath={.status.containerStatuses[0].state.terminated.reason}=Completed",
  ]);
}

function answer(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { timeout: 5000 }, (got) => {
      let text = "";
      got.on("data", (chunk: Buffer) => (text += chunk.toString()));
      got.once("end", () => resolve(text));
    });
    asked.once("error", reject).end();
  });
}

/** What nodes could change on this machine as a whole, as text to compare. */
function machine(): string {
  const settings =
    "vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys " +
    "kernel.keys.root_maxbytes net.ipv4.ip_forward";
  return JSON.stringify(
    {
      settings: execFileSync("sysctl", settings.split(" ")).toString(),
      folders: ["/run", "/var/lib", "/var/log"].map(names),
    },
    null,
    1,
  );
}

/** What is left of a slot: processes, mounts, links, routes, cgroups, files. */
function remains(slot: number): readonly string[] {
  const { folder, hostLink, nodes, podCidr } = placesOf(slot);
  const [first, second] = nodes;
  const groups = names("/sys/fs/cgroup").flatMap((name) => [
    `/sys/fs/cgroup/${name}`,
    ...names(`/sys/fs/cgroup/${name}`).map((group) => `/sys/fs/cgroup/${name}/${group}`),
  ]);
  const lines = [
    ...execFileSync("ps", ["-eo", "args"]).toString().split("\n"),
    ...readFileSync("/proc/self/mounts", "utf8").split("\n"),
    ...execFileSync("ip", ["route"]).toString().split("\n"),
    ...names("/sys/class/net"),
    ...groups,
    ...(existsSync(folder) ? [`${folder}/`] : []),
  ];
  const own = [`${folder}/`, `${hostLink} `, podCidr, first.cgroup, second.cgroup];
  return lines.filter((line) => own.some((text) => `${line} `.includes(text)));
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
