import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secrets } from "#components/kubernetes-secrets/manifest.ts";
import { readerBinding, type SecretReader } from "#components/kubernetes-secrets/reader.ts";
import { ComponentError } from "#core/errors/component-error.ts";
import { noMetadata } from "#core/ports/component.ts";
import type { SecretStore } from "#core/ports/secret-store.ts";
import { secretStoreContract } from "#test/contracts/secret-store.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

const options = { signal: new AbortController().signal };
const base64 = (text: string): string => Buffer.from(text).toString("base64");

let api: KubeApiDouble;
beforeAll(async () => {
  api = await kubeApi();
  const secret = (name: string, namespace: string, data?: object): void =>
    void api.put({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace },
      data,
    } as never);
  secret("redis", "default", { password: base64("pässword\n"), user: base64("u") });
  secret("empty", "default");
  secret("strange", "default", {
    ["__proto__"]: base64("p"),
    bytes: Buffer.from([0xff, 0x41]).toString("base64"),
    bom: base64("\ufeffx"),
  });
  secret("theirs", "other", { a: base64("1") });
});
afterAll(() => api[Symbol.asyncDispose]());

function kubeconfig(server = api.url): string {
  const path = temporaryFile("kubeconfig.yaml");
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster: { server } }],
      users: [{ name: "test", user: { token: "t" } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    }),
  );
  return path;
}
const open = (): Promise<SecretStore> => openComponent(secrets, { kubeconfigPath: kubeconfig() });
async function failureOf(work: Promise<unknown>): Promise<ComponentError> {
  const reason: unknown = await work.catch((thrown: unknown) => thrown);
  if (!ComponentError.is(reason)) throw new Error(`no ComponentError: ${String(reason)}`);
  return reason;
}

describe("secretstores.kubernetes", () => {
  secretStoreContract({
    open,
    secrets: { redis: { password: "pässword\n", user: "u" }, empty: {} },
    missing: "failure",
  });
  it("hands on every key, bytes that are not text as Dapr does", async () => {
    await using store = await open();
    const secret = await store.get("strange", noMetadata, options);
    expect(Object.entries(secret ?? {})).toEqual([
      ["__proto__", "p"],
      ["bytes", "\ufffdA"],
      ["bom", "\ufeffx"],
    ]);
  });
  it("says of a missing secret what the API server says", async () => {
    await using store = await open();
    await expect(store.get("nope", noMetadata, options)).rejects.toThrow(
      'secrets "nope" not found',
    );
  });
  it("cannot list", async () => {
    await using store = await open();
    expect(store.list).toBeUndefined();
  });
  it("takes its own namespace as metadata and refuses others, asking for nothing", async () => {
    await using store = await open();
    expect(await store.get("redis", { namespace: "default" }, options)).toHaveProperty("user");
    const before = api.requests.length;
    await expect(store.get("theirs", { namespace: "other" }, options)).rejects.toThrow(
      'metadata "namespace" is "other"; only Secrets of the app\'s own namespace "default"',
    );
    expect(api.requests.length).toBe(before);
  });
  it.each(["", ".", "..", "../configmaps/x", "a/b", "a%2fb", "a?b", "a b", "a".repeat(254)])(
    "refuses the name %j, asking for nothing",
    async (name) => {
      await using store = await open();
      const before = api.requests.length;
      await expect(store.get(name, noMetadata, options)).rejects.toThrow("invalid secret name");
      expect(api.requests.length).toBe(before);
    },
  );
  it("says which RoleBinding is missing", async () => {
    await using store = await open();
    api.isAllowed = () => false;
    const failure = await failureOf(store.get("redis", noMetadata, options));
    api.isAllowed = () => true;
    expect(failure.message).toMatch(/namespace "default" has no RoleBinding.*secrets\.namespaces/);
    expect(failure.kind).toBe("rejected");
  });
  it("is unavailable while the API server is", async () => {
    await using store = await open();
    api.fail({ verb: "get", path: /secrets/, status: 503 });
    expect((await failureOf(store.get("redis", noMetadata, options))).kind).toBe("unavailable");
    await api.stop();
    expect((await failureOf(store.get("redis", noMetadata, options))).kind).toBe("unavailable");
    await api.start();
    expect(await store.get("redis", noMetadata, options)).toHaveProperty("user");
  });
  it("gives up when the call does", async () => {
    await using store = await open();
    api.fail({ verb: "get", path: /secrets/, hang: true });
    const reason = new Error("the caller has gone");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    await expect(store.get("redis", noMetadata, { signal: controller.signal })).rejects.toBe(
      reason,
    );
  });
});

describe("secretstores.kubernetes, the namespace", () => {
  const spec = (namespace: string, metadata: Readonly<Record<string, string>>) =>
    secrets.open(
      { name: "s", namespace, metadata: { kubeconfigpath: kubeconfig(), ...metadata } },
      testHost(),
    );
  it("is defaultNamespace where the runtime has none", async () => {
    await using store = await spec("", { defaultnamespace: "other" });
    expect(await store.get("theirs", noMetadata, options)).toEqual({ a: "1" });
    await expect(store.get("redis", { namespace: "default" }, options)).rejects.toThrow("own");
  });
  it("may be said twice", async () => {
    await using store = await spec("other", { defaultnamespace: "other" });
    expect(await store.get("theirs", noMetadata, options)).toEqual({ a: "1" });
  });
  it("is not another one", async () => {
    await expect(spec("default", { defaultnamespace: "other" })).rejects.toThrow(
      'defaultNamespace is "other", which is not the app\'s namespace "default"',
    );
  });
  it("must be known", async () => {
    await expect(spec("", {})).rejects.toThrow("namespace is missing");
  });
});

describe("secretstores.kubernetes with a reader of the target's", () => {
  const open = (reader: SecretReader["get"], metadata = {}): Promise<SecretStore> =>
    openComponent(
      secrets,
      metadata,
      testHost({ binding: (name) => (name === readerBinding ? { get: reader } : undefined) }),
    );
  it("asks that one, in the app's namespace", async () => {
    await using store = await open(async (namespace, name) => ({
      at: new TextEncoder().encode(`${namespace}/${name}`),
    }));
    expect(await store.get("x", noMetadata, options)).toEqual({ at: "default/x" });
  });
  it("takes plain failures that came over from another process", async () => {
    const reason = Object.assign(new Error("no"), { code: 403 });
    await using store = await open(() => Promise.reject(reason));
    await expect(store.get("x", noMetadata, options)).rejects.toThrow("RoleBinding");
  });
  it("reads no kubeconfig of the node", async () => {
    await expect(
      open(async () => undefined, { kubeconfigPath: "/etc/kubernetes/admin.conf" }),
    ).rejects.toThrow("kubeconfigPath cannot be used here");
  });
});

describe("secretstores.kubernetes, opening", () => {
  it.each([
    ["no such file", "/no/such/kubeconfig"],
    ["a file that is none", temporaryFile("x.yaml")],
  ])("refuses %s", async (_, path) => {
    await expect(openComponent(secrets, { kubeconfigPath: path })).rejects.toThrow(/.+/);
  });
});
