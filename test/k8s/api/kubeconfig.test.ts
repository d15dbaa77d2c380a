import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ClusterAccess } from "#k8s/api/access.ts";
import { kubeconfigAccess } from "#k8s/api/kubeconfig.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
const encoded = Buffer.from(pem).toString("base64");

interface Parts {
  readonly cluster?: string;
  readonly user?: string;
  readonly context?: string;
}
function write(text: string): string {
  const path = temporaryFile("config");
  writeFileSync(path, text);
  return path;
}
const config = ({ cluster = "", user = "", context = "" }: Parts = {}): string => `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://api:6443"${cluster}}}]
users: [{name: u, user: {${user}}}]
contexts: [{name: x, context: {cluster: c, user: u${context}}}]
current-context: x
`;
const access = (parts: Parts): Promise<ClusterAccess> =>
  kubeconfigAccess({ path: write(config(parts)), env: {} });

describe("what a file says", () => {
  it("server, namespace, token", async () => {
    const found = await access({ user: "token: abc", context: ", namespace: shop" });
    expect(found).toMatchObject({ server: "https://api:6443", namespace: "shop" });
    expect(await found.credentials()).toEqual({ token: "abc" });
  });
  it("certificates, in the file itself", async () => {
    const found = await access({
      cluster: `, certificate-authority-data: ${encoded}, tls-server-name: kubernetes`,
      user: `client-certificate-data: ${encoded}, client-key-data: ${encoded}`,
    });
    expect(await found.credentials()).toEqual({
      ca: pem,
      serverName: "kubernetes",
      certificate: pem,
      privateKey: pem,
    });
  });
  it("files by paths relative to it; a token file counts before the token", async () => {
    const path = write(
      config({
        cluster: ", certificate-authority: pki/ca.crt, insecure-skip-tls-verify: true",
        user: "token: old, tokenFile: pki/token",
      }),
    );
    mkdirSync(join(dirname(path), "pki"));
    writeFileSync(join(dirname(path), "pki/ca.crt"), pem);
    writeFileSync(join(dirname(path), "pki/token"), "new\n");
    let now = 0;
    const found = await kubeconfigAccess({ path, env: {}, now: () => now });
    expect(await found.credentials()).toEqual({ ca: pem, token: "new", isInsecure: true });
    writeFileSync(join(dirname(path), "pki/token"), "newer\n");
    now = 60_000;
    expect((await found.credentials()).token).toBe("newer");
  });
  it("a context that was asked for, and one without a user", async () => {
    const path = write(
      `${config({ user: "token: t" }).replace("current-context: x", "")}
`.replace("contexts: [", "contexts: [{name: y, context: {cluster: c, namespace: other}}, "),
    );
    const found = await kubeconfigAccess({ path, context: "y", env: {} });
    expect(found.namespace).toBe("other");
    expect(await found.credentials()).toEqual({});
    await expect(kubeconfigAccess({ path, env: {} })).rejects.toThrow(/names no current-context/);
  });
  it("several files of KUBECONFIG count together, the first before the second; missing ones are passed over", async () => {
    const first = write("current-context: x\nusers: [{name: u, user: {token: first}}]");
    const second = write(config({ user: "token: second" }));
    const found = await kubeconfigAccess({
      env: { KUBECONFIG: `/nowhere/config:${first}:${second}:` },
    });
    expect(await found.credentials()).toEqual({ token: "first" });
    expect(found.server).toBe("https://api:6443");
    await expect(
      kubeconfigAccess({ env: { KUBECONFIG: "/nowhere/one:/nowhere/two" } }),
    ).rejects.toThrow(/Cannot read \/nowhere\/two/);
  });
  it("~/.kube/config where nothing is named", async () => {
    const path = write(config({ user: "token: home" }));
    const home = dirname(path);
    mkdirSync(join(home, ".kube"));
    writeFileSync(join(home, ".kube/config"), config({ user: "token: home" }));
    const found = await kubeconfigAccess({ env: { HOME: home } });
    expect(await found.credentials()).toEqual({ token: "home" });
  });
});

describe("what cannot be used is refused, with the place", () => {
  for (const [name, text, message] of [
    ["no YAML", "a: [b\ntoken: secret", /is not valid YAML: .*line/],
    ["a text", "hello", /is not a kubeconfig/],
    ["nothing", "", /names no current-context/],
    ["a list that is none", "clusters: 7", /clusters of .* is not a list/],
    ["an entry without a name", "users: [{user: {}}]", /each needs a name and a user/],
    ["a context that is not there", "current-context: z", /has no context "z"/],
    ["a cluster that is not there", config().replace("name: c,", "name: d,"), /has no cluster "c"/],
    ["a user that is not there", config().replace("name: u,", "name: v,"), /has no user "u"/],
    ["no server", config().replace(/server: "[^"]*"/, "x: 1"), /has no server/],
    [
      "a server that is not text",
      config().replace(/"https:[^"]*"/, "[1]"),
      /server .* is not text/,
    ],
    [
      "proxy-url",
      config({ cluster: ", proxy-url: http://p" }),
      /proxy-url of cluster "c".*not supp/,
    ],
    ["auth-provider", config({ user: "auth-provider: {name: gcp}" }), /auth-provider of user "u"/],
    ["a password", config({ user: "username: a, password: b" }), /username of user "u"/],
    ["impersonation", config({ user: "as: root" }), /as of user "u"/],
    ["a token that is not text", config({ user: "token: [1]" }), /token of user "u".*not text/],
    ["data that is not PEM", config({ cluster: ", certificate-authority-data: eHg=" }), /not PEM/],
    ["a certificate without key", config({ user: `client-certificate-data: ${encoded}` }), /both/],
    ["a file that is away", config({ user: "tokenFile: gone" }), /Cannot read .*gone/],
    ["exec without command", config({ user: "exec: {}" }), /has no command/],
    ["exec that is not an object", config({ user: "exec: 7" }), /is not an object/],
    [
      "exec of an old version",
      config({ user: "exec: {command: a, apiVersion: client.authentication.k8s.io/v1alpha1}" }),
      /apiVersion must be/,
    ],
    [
      "exec with a terminal",
      config({
        user: "exec: {command: a, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}",
      }),
      /terminal/,
    ],
    [
      "exec with odd arguments",
      config({
        user: "exec: {command: a, apiVersion: client.authentication.k8s.io/v1, args: [1]}",
      }),
      /args/,
    ],
    [
      "exec with an odd environment",
      config({
        user: "exec: {command: a, apiVersion: client.authentication.k8s.io/v1, env: [{name: a}]}",
      }),
      /env needs/,
    ],
  ] as const)
    it(name, async () => {
      const failed = await kubeconfigAccess({ path: write(text), env: {} }).catch(
        (reason: unknown) => reason as Error,
      );
      expect(failed).toBeInstanceOf(Error);
      expect((failed as Error).message).toMatch(message);
      expect((failed as Error).message).not.toMatch(/secret/);
    });
  it("a file that is too large", async () => {
    await expect(
      kubeconfigAccess({ path: write(`# ${"x".repeat(1_100_000)}`), env: {} }),
    ).rejects.toThrow(/larger than/);
  });
});
