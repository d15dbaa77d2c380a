import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { kubeconfigAccess } from "#k8s/api/kubeconfig.ts";
import { openClient } from "#k8s/api/open-client.ts";
import type { ClusterAccess } from "#k8s/api/access.ts";
import { kubeApi } from "#test/doubles/kube-api.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

/** A plugin: counts its calls in `runs`, keeps what it was told in `info`, then runs the code. */
function plugin(code: string): string {
  const path = temporaryFile("plugin.cjs");
  const folder = dirname(path);
  writeFileSync(
    path,
    `#!${process.execPath}
const fs = require("node:fs");
fs.appendFileSync(${JSON.stringify(`${folder}/runs`)}, "x");
fs.writeFileSync(${JSON.stringify(`${folder}/info`)}, process.env.KUBERNETES_EXEC_INFO);
const answer = (status, more) => console.log(JSON.stringify({ kind: "ExecCredential", apiVersion: "client.authentication.k8s.io/v1", status, ...more }));
${code}`,
    { mode: 0o755 },
  );
  appendFileSync(`${folder}/runs`, "");
  return path;
}
const runsOf = (path: string): number => readFileSync(`${dirname(path)}/runs`, "utf8").length;

let now: number;
beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
});
async function access(
  path: string,
  more = "",
  server = "https://api:6443",
): Promise<ClusterAccess> {
  const file = temporaryFile("config");
  writeFileSync(
    file,
    `clusters: [{name: c, cluster: {server: "${server}", extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x}}]}}]
users: [{name: u, user: {exec: {command: "${path}", apiVersion: client.authentication.k8s.io/v1${more}}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x`,
  );
  return kubeconfigAccess({ path: file, env: { PATH: process.env["PATH"] }, now: () => now });
}

describe("a program that gives credentials", () => {
  it("runs when first asked, once for all who ask, and counts until its end", async () => {
    const path = plugin(
      `answer({ token: "t" + fs.readFileSync(__dirname + "/runs").length, expirationTimestamp: "2026-01-01T01:00:00Z" })`,
    );
    const { credentials } = await access(path);
    expect(runsOf(path)).toBe(0);
    const both = await Promise.all([credentials(), credentials()]);
    expect(both).toEqual([{ token: "t1" }, { token: "t1" }]);
    expect(both[0]).toBe(both[1]);
    now += 3_589_999;
    expect(await credentials()).toBe(both[0]);
    now += 1;
    expect(await credentials()).toEqual({ token: "t2" });
    expect(runsOf(path)).toBe(2);
  });
  it("runs again when what it gave is refused, once for all who were", async () => {
    const path = plugin(`answer({ token: "t" + fs.readFileSync(__dirname + "/runs").length })`);
    await using api = await kubeApi();
    api.users.set("t2", { username: "jane" });
    const found = await access(path, "", api.url);
    await using client = openClient(found);
    await Promise.all([1, 2, 3].map(() => client.request("GET", "/api/v1/pods")));
    expect(runsOf(path)).toBe(2);
  });
  it("gives certificates, and is given arguments, an environment and the cluster", async () => {
    const path = plugin(
      `answer({ clientCertificateData: process.argv[2], clientKeyData: process.env.KEY, expirationTimestamp: null })`,
    );
    const { credentials } = await access(
      path,
      ", args: [cert], env: [{name: KEY, value: key}], provideClusterInfo: true",
    );
    expect(await credentials()).toEqual({ certificate: "cert", privateKey: "key" });
    expect(JSON.parse(readFileSync(`${dirname(path)}/info`, "utf8"))).toEqual({
      kind: "ExecCredential",
      apiVersion: "client.authentication.k8s.io/v1",
      spec: {
        interactive: false,
        cluster: { server: "https://api:6443", config: { audience: "x" } },
      },
    });
  });
});

describe("what a program says to whom is there", () => {
  for (const isTTY of [true, false])
    it(`is ${isTTY ? "" : "not "}shown ${isTTY ? "on a terminal" : "where there is none"}`, async () => {
      const before = Object.getOwnPropertyDescriptor(process.stderr, "isTTY");
      Object.defineProperty(process.stderr, "isTTY", { value: isTTY, configurable: true });
      const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
      onTestFinished(() => {
        write.mockRestore();
        if (before) Object.defineProperty(process.stderr, "isTTY", before);
        else Reflect.deleteProperty(process.stderr, "isTTY");
      });
      const path = plugin(`console.error("log in at https://x"); answer({ token: "t" })`);
      const { credentials } = await access(path);
      expect(await credentials()).toEqual({ token: "t" });
      const said = write.mock.calls.map(([text]) => String(text)).join("");
      expect(said.includes("log in at https://x")).toBe(isTTY);
    });
});

describe("a program that does not", () => {
  for (const [name, code, message] of [
    ["fails", `console.error("please log in"); process.exit(3)`, /failed \(3\): please log in/],
    ["says too much", `process.stdout.write("x".repeat(3e6))`, /more than 1048576 bytes/],
    ["says nothing", "", /did not answer with JSON/],
    ["says something else", `console.log('{"kind":"Pod"}')`, /ExecCredential/],
    [
      "speaks another version",
      `answer({ token: "t" }, { apiVersion: "v9" })`,
      /another apiVersion/,
    ],
    ["gives nothing", "answer({})", /neither a token nor a certificate/],
    ["gives half", `answer({ clientKeyData: "k" })`, /both/],
    ["gives a token that is none", "answer({ token: 7 })", /not strings/],
    [
      "gives a time that is none",
      `answer({ token: "t", expirationTimestamp: "soon" })`,
      /not a time/,
    ],
  ] as const)
    it(name, async () => {
      const { credentials } = await access(plugin(code));
      await expect(credentials()).rejects.toThrow(message);
    });
  it("is not there", async () => {
    const { credentials } = await access("./no-such-plugin", ", installHint: get it from the shop");
    await expect(credentials()).rejects.toThrow(/ENOENT.*get it from the shop/s);
  });
  it("a failure is not remembered", async () => {
    const path = plugin(
      `if (fs.readFileSync(__dirname + "/runs").length === 1) process.exit(1); answer({ token: "t" })`,
    );
    const { credentials } = await access(path, ", args: [--password=hunter2]");
    const failed = await credentials().catch((reason: unknown) => String(reason));
    expect(failed).not.toMatch(/hunter2/);
    expect(await credentials()).toEqual({ token: "t" });
  });
});
