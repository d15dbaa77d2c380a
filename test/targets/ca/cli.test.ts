import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ca } from "#targets/cli/ca.ts";
import type { Cli } from "#targets/cli/cli.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { type Cluster, cluster } from "./cluster.ts";

let world: Cluster;
let kubeconfig: string;
let out: string;
let end: () => void;

beforeEach(async () => {
  world = await cluster();
  out = "";
  kubeconfig = join(mkdtempSync(join(tmpdir(), "outrigger-ca-")), "config");
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [{ name: "c", cluster: { server: world.api.url } }],
      users: [{ name: "u", user: {} }],
    }),
  );
});
afterEach(() => world[Symbol.asyncDispose]());

function run(...args: readonly string[]): Promise<number> {
  const cli: Cli = {
    env: { POD_NAMESPACE: "control" },
    cwd: "/",
    terminal: false,
    colour: false,
    pid: 1,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
    input: async () => "",
    loadStart: async () => {
      throw new Error("no runtime is needed");
    },
    onSignal: (name, listener) => {
      if (name === "SIGTERM") end = listener;
      return () => {};
    },
    onExit: () => () => {},
    exit: () => {},
  };
  return ca(["--kubernetes", "--kubeconfig", kubeconfig, ...args], cli);
}

describe("outrigger ca --kubernetes", () => {
  it("serves with credentials in its namespace until it is told to end", async () => {
    const [port, health] = [await freePort(), await freePort()];
    const code = run(
      "--port",
      `${port}`,
      "--health-port",
      `${health}`,
      "--listen-address",
      "127.0.0.1",
    );
    await eventually(() => out.includes("Certificate authority listening"));
    expect(out).toContain("trusted roots are in ConfigMap control/outrigger-trust-bundle");
    expect(out).not.toContain("No --jwt-issuer is set");
    expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(204);
    expect(world.api.get("/api/v1/namespaces/control/secrets/outrigger-ca")).toBeDefined();
    end();
    expect(await code).toBe(0);
  });
  it("shows and changes the credentials of the cluster", async () => {
    expect(await run("status")).toBe(0);
    expect(out).toMatch(
      /^issuer {2}O=cluster.local CN=issuer \w+ {2}until .*\nroot {2}O=cluster.local CN=root \w+ {2}until /,
    );
    out = "";
    for (const step of [
      "contains the new root",
      "now issues certificates",
      "The old root has been removed",
    ]) {
      expect(await run("rotate-root")).toBe(0);
      expect(out).toContain(step);
    }
  });
  it.each([
    [["--node-service-account", "outrigger-node"], "--node-service-account must be namespace/name"],
    [["--node-service-account", "a/b/c"], "--node-service-account must be namespace/name"],
    [["--node-service-account", "A/b"], "--node-service-account must be namespace/name"],
    [["--shared-service-account", "a/b"], "must be namespace/name=ns1,ns2"],
    [["--shared-service-account", "a/b="], "must be namespace/name=ns1,ns2"],
    [["--shared-service-account", "a/b=c,*"], "must be namespace/name=ns1,ns2"],
    [["--shared-service-account", "b=c"], "must be namespace/name of a ServiceAccount"],
    [
      ["--shared-service-account", "control/outrigger-node=shop"],
      "control/outrigger-node is listed twice",
    ],
    [["--jwt-issuer", "https://issuer", "--jwt-audience", "x"], "cannot be used together"],
    [["--port", "x"], "--port must be a port"],
    [["--health-port", "99999"], "--health-port must be a port"],
    [["--kubeconfig", "/nowhere/config"], "/nowhere/config"],
    [["restart"], "Unknown command"],
  ])("%j ends with the reason", async (args, why) => {
    expect(await run(...args)).toBe(1);
    expect(out).toContain(why);
  });
  it("ends with the reason where the API server refuses it the Secret", async () => {
    world.api.isAllowed = ({ resource }) => resource !== "secrets";
    expect(await run("--port", "0", "--health-port", "0")).toBe(1);
    expect(out).toContain("secrets");
  });
});
