import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { findAccess } from "#k8s/api/access.ts";
import { inClusterAccess } from "#k8s/api/credentials.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { readText } from "#k8s/api/read-file.ts";
import { kubeApi } from "#test/doubles/kube-api.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const env = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };
let folder: string;
beforeEach(() => {
  folder = temporaryFile("serviceaccount");
  mkdirSync(folder);
  writeFileSync(join(folder, "token"), "one\n");
  writeFileSync(join(folder, "ca.crt"), "PEM");
  writeFileSync(join(folder, "namespace"), "outrigger-system\n");
});

describe("in a pod", () => {
  it("knows the server, its namespace, its token and the authority", async () => {
    const access = await inClusterAccess({ env, folder });
    expect(access).toMatchObject({
      server: "https://10.96.0.1:443",
      namespace: "outrigger-system",
    });
    expect(await access.credentials()).toEqual({ token: "one", ca: "PEM" });
  });
  it("an IPv6 address is put in brackets", async () => {
    for (const host of ["fd00::1", "[fd00::1]"]) {
      const { server } = await inClusterAccess({
        env: { ...env, KUBERNETES_SERVICE_HOST: host },
        folder,
      });
      expect(server).toBe("https://[fd00::1]:443");
      expect(openClient({ ...(await inClusterAccess({ env, folder })), server }).server).toBe(
        "https://[fd00::1]",
      );
    }
  });
  it("reads again what has changed, at least each minute, and at once what was refused", async () => {
    let now = 0;
    const access = await inClusterAccess({ env, folder, now: () => now });
    const first = await access.credentials();
    expect(await access.credentials()).toBe(first);
    writeFileSync(join(folder, "token"), "two");
    now += 9999;
    expect((await access.credentials()).token).toBe("one");
    now += 1;
    const second = await access.credentials();
    expect(second.token).toBe("two");
    expect(await access.credentials(second)).toBe(second);
    writeFileSync(join(folder, "token"), "three");
    expect((await access.credentials(second)).token).toBe("three");
  });
  it("keeps what it has while files are away, empty or too large", async () => {
    const access = await inClusterAccess({ env, folder, freshMs: 0 });
    const first = await access.credentials();
    writeFileSync(join(folder, "token"), "");
    expect(await access.credentials()).toBe(first);
    writeFileSync(join(folder, "token"), "x".repeat(300_000));
    expect(await access.credentials()).toBe(first);
    rmSync(folder, { recursive: true });
    expect(await access.credentials()).toBe(first);
  });
  it("a token that is renewed while the client runs is taken after a 401", async () => {
    await using api = await kubeApi();
    api.users.set("two", { username: "system:serviceaccount:outrigger-system:outrigger-node" });
    const access = await inClusterAccess({ env, folder, freshMs: 3_600_000 });
    await using client = openClient({ ...access, server: api.url });
    writeFileSync(join(folder, "token"), "two");
    await client.request("GET", "/api/v1/pods");
    expect(api.requests.map(({ token }) => token)).toEqual(["one", "two"]);
  });
  it("says what is missing", async () => {
    await expect(inClusterAccess({ env: {}, folder })).rejects.toThrow(/not a pod of a cluster/);
    await expect(
      inClusterAccess({ env: { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, folder }),
    ).rejects.toThrow(/KUBERNETES_SERVICE_PORT/);
    writeFileSync(join(folder, "token"), " ");
    await expect(inClusterAccess({ env, folder })).rejects.toThrow(/token is empty/);
    rmSync(join(folder, "ca.crt"));
    await expect(inClusterAccess({ env, folder })).rejects.toThrow(/Cannot read .*ca\.crt/);
  });
});

it("files are read up to a limit, devices too", async () => {
  await expect(readText("/dev/zero", 100_000)).rejects.toThrow(/larger than 100000 bytes/);
  await expect(readText(folder, 100)).rejects.toThrow(/Cannot read/);
  expect(await readText(join(folder, "ca.crt"), 3)).toBe("PEM");
});

describe("which cluster is meant", () => {
  const kubeconfig = (server: string): string => {
    const path = temporaryFile("config");
    writeFileSync(
      path,
      `clusters: [{name: c, cluster: {server: "${server}"}}]
contexts: [{name: x, context: {cluster: c}}, {name: y, context: {cluster: c, namespace: shop}}]
current-context: x`,
    );
    return path;
  };
  it("the one that was named, then KUBECONFIG, then that of this pod", async () => {
    const named = kubeconfig("https://named");
    const fromEnv = kubeconfig("https://env");
    const all = { ...env, KUBECONFIG: fromEnv };
    expect((await findAccess({ kubeconfig: named, env: all })).server).toBe("https://named");
    expect((await findAccess({ env: all })).server).toBe("https://env");
    expect((await findAccess({ env: all, context: "y" })).namespace).toBe("shop");
    // There is no service account where tests run.
    await expect(findAccess({ env: { ...env, KUBECONFIG: "" } })).rejects.toThrow(/serviceaccount/);
  });
  it("without any, says what it looked for", async () => {
    await expect(findAccess({ env: { HOME: "/nowhere" } })).rejects.toThrow(
      /Cannot read \/nowhere\/\.kube\/config/,
    );
  });
});
