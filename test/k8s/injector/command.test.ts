import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeAuthority, makeServing } from "#k8s/injector/make-certificates.ts";
import type { SignalName } from "#targets/cli/cli.ts";
import { injector } from "#targets/cli/injector.ts";
import { fakeCli } from "#test/targets/cli/fake-cli.ts";
import { kubeApi } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { podReview } from "#test/support/injector.ts";
import { post, runInjector } from "#test/support/injector-server.ts";
import { pod } from "#test/support/pods.ts";
import { bundleOf, putWebhookObjects } from "#test/support/webhook-objects.ts";

interface Run {
  readonly code: Promise<number>;
  /** Quotes as they were before the log escaped them. */
  output(): string;
  signal(name: SignalName): void;
}
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const { cli, out, err, signal } = fakeCli({ env });
  const output = (): string => `${out()}${err()}`.replaceAll('\\"', '"');
  return { code: injector(args, cli), output, signal };
}
async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "outrigger-injector-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe("outrigger injector", () => {
  it("prints its flags", async () => {
    const { code, output } = run(["--help"]);
    expect(await code).toBe(0);
    expect(output()).toContain("outrigger injector [flags]");
  });

  it.each<[args: readonly string[], text: string]>([
    [["--port", "x"], '--port must be a port, not "x"'],
    [["--health-port", "70000"], "--health-port must be a port"],
    [
      ["--endpoint", "outrigger:3500"],
      '--endpoint must be node or http://host:port, not "outrigger:3500"',
    ],
    [["--endpoint", "http://a/b"], "--endpoint must be node or http://host:port"],
    [["--grpc-endpoint", "http://a:1"], "--grpc-endpoint requires an --endpoint that is a URL"],
    [
      ["--endpoint", "http://a:1", "--grpc-endpoint", "http://a"],
      "--grpc-endpoint must have a port other than 80",
    ],
    [
      ["--endpoint", "http://a:1", "--grpc-endpoint", "http://a:80"],
      "--grpc-endpoint must have a port other than 80",
    ],
    [["--host-ip-family", "6"], '--host-ip-family must be IPv4 or IPv6, not "6"'],
    [["--sidecar-image-pull-policy", "maybe"], "--sidecar-image-pull-policy must be"],
    [["--sidecar-coordination", "on"], "--sidecar-coordination must be actor-state-store or off"],
    [["--sentry-address", "ca:443"], "--sentry-address requires --trust-anchors-file"],
    [["--node-ports", "3501,metrics"], '--node-ports must be a port, not "metrics"'],
    [["--token-audience", ""], "--token-audience must not be empty"],
    [["--nonsense"], "nonsense"],
  ])("refuses %j", async (args, text) => {
    const { code, output } = run([...args, "--cert-dir", tmpdir()]);
    expect(await code).toBe(1);
    expect(output()).toContain(text);
  });

  it(
    "serves with certificates of a folder until it is told to end",
    { timeout: 20_000 },
    async () => {
      const certs = await folder();
      const authority = await makeAuthority(Date.now(), 3_600_000);
      const pair = await makeServing(authority, ["127.0.0.1"], Date.now(), 3_600_000);
      await writeFile(join(certs, "tls.crt"), pair.certificate);
      await writeFile(join(certs, "tls.key"), pair.privateKey);
      const [port, health] = [await freePort(), await freePort()];
      const flags = ["--cert-dir", certs, "--port", `${port}`, "--health-port", `${health}`];
      const running = run([...flags, "--node-ports", "6000, 6001,6002"]);
      await eventually(() => running.output().includes(`Webhook listening on port ${port}`));
      const agent = new Agent({ ca: authority.certificate });
      const { status, text } = await post(
        `https://127.0.0.1:${port}/mutate`,
        agent,
        podReview(pod()),
      );
      expect({ status, allowed: text.includes('"allowed":true') }).toEqual({
        status: 200,
        allowed: true,
      });
      const ofHost = async (appPort: string): Promise<string> =>
        (
          await post(
            `https://127.0.0.1:${port}/mutate`,
            agent,
            podReview(pod({ hostNetwork: true }, { "dapr.io/app-port": appPort })),
          )
        ).text;
      for (const taken of ["3500", "50001", "6000", "6002"])
        expect(await ofHost(taken)).toContain(`port ${taken} belongs to the node's runtime`);
      expect(await ofHost("9090")).toContain('"allowed":true');
      expect((await fetch(`http://127.0.0.1:${health}/readyz`)).status).toBe(200);
      running.signal("SIGTERM");
      expect(await running.code).toBe(0);
      agent.destroy();
    },
  );

  it("makes its own certificates in the cluster of a kubeconfig", { timeout: 20_000 }, async () => {
    await using api = await kubeApi();
    putWebhookObjects(api);
    const kubeconfig = join(await folder(), "config");
    const config = {
      clusters: [{ name: "c", cluster: { server: api.url } }],
      users: [{ name: "u", user: {} }],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    const [port, health] = [await freePort(), await freePort()];
    const running = run(
      [
        "--kubeconfig",
        kubeconfig,
        "--port",
        `${port}`,
        "--health-port",
        `${health}`,
        "--log-as-json",
      ],
      { POD_NAMESPACE: "outrigger-system" },
    );
    await eventually(() => running.output().includes("Webhook listening"), {
      what: running.output(),
    });
    await eventually(async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).ok);
    const agent = new Agent({
      ca: bundleOf(api),
      servername: "outrigger-injector.outrigger-system.svc",
    });
    const { status } = await post(`https://127.0.0.1:${port}/mutate`, agent, podReview(pod()));
    expect(status).toBe(200);
    running.signal("SIGINT");
    expect(await running.code).toBe(0);
    agent.destroy();
  });

  it("says when a port is taken", async () => {
    const certs = await folder();
    const port = await freePort();
    await using taken = await runInjector();
    const running = run([
      "--cert-dir",
      certs,
      "--port",
      `${port}`,
      "--health-port",
      `${taken.server.healthPort}`,
    ]);
    expect(await running.code).toBe(1);
    expect(running.output()).toContain("EADDRINUSE");
  });
});
