import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { chart } from "../../../scripts/manifests.ts";
import { describeCluster } from "../../../scripts/cluster/describe.ts";
import { freePort } from "#test/support/free-port.ts";
import type { Rendered } from "#test/k8s/chart/helm.ts";

const program = join(import.meta.dirname, "../../../targets/cli/main.ts");

/** Our own programs, with the arguments and the rights that the chart gives them, against a real API server. */
await describeCluster("the chart's programs", { mode: "control" }, (cluster) => {
  const system = "outrigger-system";
  const running: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  /** A kubeconfig with the token of a ServiceAccount. */
  async function kubeconfigOf(account: string): Promise<string> {
    const token = (await cluster().kubectl(["create", "token", account, "-n", system])).trim();
    const config = parse(await readFile(cluster().kubeconfig, "utf8")) as Rendered;
    config.users[0].user = { token };
    const path = join(cluster().folder, `${account}.kubeconfig`);
    await writeFile(path, stringify(config));
    return path;
  }

  /** Starts what the pods of an object would, on free ports. */
  async function start(
    kind: string,
    name: string,
  ): Promise<{ readonly health: string; log(): string }> {
    const { spec } = (await cluster().get<Rendered>(kind, name, "-n", system)).spec.template;
    let health = 0;
    const args: string[] = [];
    for (const arg of spec.containers[0].args as readonly string[]) {
      const [flag] = arg.split("=");
      if (
        !/^--(?:[a-z]+-)?port$/.test(flag ?? "") ||
        (name === "outrigger-injector" && /http|grpc/.test(arg))
      ) {
        args.push(arg);
        continue;
      }
      const port = await freePort();
      if (flag === "--health-port") health = port;
      args.push(`${flag}=${port}`);
    }
    const child = spawn(
      process.execPath,
      [program, ...args, "--kubeconfig", await kubeconfigOf(spec.serviceAccountName)],
      {
        env: {
          PATH: process.env["PATH"],
          POD_NAME: "pod",
          POD_NAMESPACE: system,
          ...(kind === "daemonset" ? { NODE_NAME: "node-a", HOST_IP: "127.0.0.1" } : {}),
        },
      },
    );
    running.push(child);
    let log = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        if (log.length < 100_000) log += text;
      });
    return { health: `http://127.0.0.1:${health}`, log: () => log };
  }
  const statusOf = (url: string): Promise<number> =>
    fetch(url, { signal: AbortSignal.timeout(2000) }).then(
      ({ status }) => status,
      () => 0,
    );
  const within = { timeout: 25_000, interval: 200 };

  it("come up with the rights that they have: the authority", async () => {
    await cluster().helm(["install", "outrigger", chart, "-n", system, "--create-namespace"]);
    const { health, log } = await start("deployment", "outrigger-ca");
    await expect.poll(() => statusOf(`${health}/healthz`), within).toBe(204);
    await expect
      .poll(
        () =>
          cluster().kubectl([
            "get",
            "configmap",
            "outrigger-trust-bundle",
            "-n",
            system,
            "-o",
            "jsonpath={.data}",
          ]),
        within,
      )
      .toContain("BEGIN CERTIFICATE");
    expect(log()).not.toMatch(/forbidden/i);
  });

  it("come up with the rights that they have: the injector", async () => {
    const { health, log } = await start("deployment", "outrigger-injector");
    await expect.poll(() => statusOf(`${health}/readyz`), within).toBe(200);
    for (const [kind, name] of [
      ["mutatingwebhookconfiguration", "outrigger-injector"],
      ["crd", "subscriptions.dapr.io"],
    ] as const)
      expect(await cluster().kubectl(["get", kind, name, "-o", "json"])).toContain('"caBundle"');
    expect(log()).not.toMatch(/forbidden/i);
  });

  it("come up with the rights that they have: the runtime of a node", async () => {
    const { health, log } = await start("daemonset", "outrigger-node");
    await expect.poll(() => statusOf(`${health}/readyz`), within).toBe(200);
    expect(log()).not.toMatch(/forbidden/i);
  });

  it("come up with the rights that they have: runtimes behind a Service", async () => {
    await cluster().helm(["upgrade", "outrigger", chart, "-n", system, "--set", "mode=deployment"]);
    for (const [name, path, status] of [
      ["outrigger-node", "readyz", 200],
      ["outrigger-ca", "healthz", 204],
      ["outrigger-injector", "readyz", 200],
    ] as const) {
      const { health, log } = await start("deployment", name);
      await expect.poll(() => statusOf(`${health}/${path}`), within).toBe(status);
      expect(log()).not.toMatch(/forbidden/i);
    }
  });
});
