import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type AuthorityStore, newAuthority, splitPem } from "#targets/ca/authority.ts";
import { clusterStore } from "#targets/ca/cluster-store.ts";
import { type Cluster, cluster } from "./cluster.ts";

const namespace = "outrigger-system";
const secretPath = `/api/v1/namespaces/${namespace}/secrets/outrigger-ca`;
const bundlePath = `/api/v1/namespaces/${namespace}/configmaps/outrigger-trust-bundle`;
type Data = KubeObject & { readonly data?: Readonly<Record<string, string>> };

let world: Cluster;
let logged: string[];
beforeEach(async () => {
  world = await cluster();
  logged = [];
});
afterEach(() => world[Symbol.asyncDispose]());

const open = (keptMs = 0): AuthorityStore => {
  const say = (text: string): void => void logged.push(text);
  const log = { debug: say, info: say, warn: say, error: say };
  return clusterStore({ kube: world.kube, namespace, trustDomain: "cluster.local", log, keptMs });
};
const published = (): string => world.api.get<Data>(bundlePath)?.data?.["ca.crt"] ?? "";
const kept = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(world.api.get<Data>(secretPath)?.data ?? {}).map(([name, text]) => [
      name,
      Buffer.from(text, "base64").toString(),
    ]),
  );

describe("credentials in the cluster", () => {
  it("are made when absent, and published", async () => {
    const { anchors, issuer } = await open().open();
    expect(new X509Certificate(issuer.certificate).ca).toBe(true);
    expect(kept()).toEqual({
      "ca.crt": anchors,
      "issuer.crt": issuer.certificate,
      "issuer.key": issuer.privateKey,
    });
    expect(published()).toBe(anchors);
    expect(await open().open()).toEqual({ anchors, issuer });
  });
  it("are one authority's, however many replicas begin at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => open().open()));
    expect(new Set(all.map(({ issuer }) => issuer.certificate)).size).toBe(1);
    expect(published()).toBe(all[0]?.anchors);
  });
  it("may be of Dapr's own making, in a Secret that was there before", async () => {
    const { anchors, issuer } = await newAuthority("dapr");
    const data = {
      "ca.crt": anchors,
      "issuer.crt": issuer.certificate,
      "issuer.key": issuer.privateKey,
    };
    world.api.put({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: "outrigger-ca" },
      data: Object.fromEntries(
        Object.entries(data).map(([k, v]) => [k, Buffer.from(v).toString("base64")]),
      ),
    } as never);
    expect((await open().open()).anchors).toBe(anchors);
    expect(published()).toBe(anchors);
  });
  it("fill a Secret and a ConfigMap that a chart made empty, and keep what else is in the ConfigMap", async () => {
    const at = (kind: string, name: string, data?: object): unknown =>
      world.api.put({
        apiVersion: "v1",
        kind,
        metadata: { namespace, name, labels: { by: "helm" } },
        ...(data ? { data } : {}),
      } as never);
    at("Secret", "outrigger-ca");
    at("ConfigMap", "outrigger-trust-bundle", { other: "kept" });
    const { anchors } = await open().open();
    expect(world.api.get<Data>(bundlePath)?.data).toEqual({ other: "kept", "ca.crt": anchors });
    expect(world.api.get<Data>(secretPath)?.metadata.labels).toEqual({ by: "helm" });
  });
  it("put the ConfigMap right again", async () => {
    const { anchors } = await open().open();
    world.api.remove(bundlePath);
    await open().open();
    expect(published()).toBe(anchors);
    world.api.put({
      ...(world.api.get(bundlePath) as Data),
      data: { "ca.crt": "nonsense" },
    } as never);
    await open().open();
    expect(published()).toBe(anchors);
  });
  it("are made anew when the Secret is gone; the former root stays trusted", async () => {
    const store = open();
    const before = await store.open();
    world.api.remove(secretPath);
    const after = await store.open();
    expect(after.issuer).not.toEqual(before.issuer);
    expect(splitPem(after.anchors)).toHaveLength(2);
    expect(splitPem(after.anchors)[0]).toBe(splitPem(before.anchors)[0]);
    expect(published()).toBe(after.anchors);
    expect(logged.join()).toContain("is gone");
    expect(await open().rotate()).toBe("finished");
    expect(splitPem(published())).toEqual(splitPem(after.anchors).slice(1));
  });
  it.each([
    ["nothing that is a certificate", { "issuer.crt": "x" }, "issuer.crt is not a certificate"],
    ["another root", "root", "issuer.crt is not signed by a root of ca.crt"],
    ["another key", "key", "issuer.key is not the key of issuer.crt"],
    ["no key", { "issuer.key": "" }, "issuer.key is not the key of issuer.crt"],
  ])("with %s are refused by name, and not published", async (_what, change, why) => {
    const { anchors } = await open().open();
    const other = await newAuthority("other");
    const changes =
      change === "root"
        ? { "ca.crt": other.anchors }
        : change === "key"
          ? { "issuer.key": other.issuer.privateKey }
          : (change as Record<string, string>);
    const secret = world.api.get<Data>(secretPath) as Data;
    const data = { ...secret.data };
    for (const [name, text] of Object.entries(changes))
      data[name] = Buffer.from(text).toString("base64");
    world.api.put({ ...secret, data } as never);
    await expect(open().open()).rejects.toThrow(
      `The Secret ${namespace}/outrigger-ca is wrong: ${why}`,
    );
    expect(published()).toBe(anchors);
  });
});

describe("while the API server is away", () => {
  it("what was read last serves on; who has read nothing fails", async () => {
    const store = open();
    const before = await store.open();
    await world.api.stop();
    expect(await store.open()).toEqual(before);
    await expect(open().open()).rejects.toThrow();
    expect(logged.join()).toContain("Cannot read the authority's credentials");
  });
  it("a rotation fails, and no step is taken", async () => {
    const store = open();
    const before = await store.open();
    world.api.fail({ verb: "update", path: secretPath, status: 500, times: 9 });
    await expect(store.rotate()).rejects.toThrow();
    expect(await open().open()).toEqual(before);
  });
});

describe("reading", () => {
  it("happens once in a while, however often one signs", async () => {
    const store = open(60_000);
    await store.open();
    const before = world.api.requests.length;
    for (let i = 0; i < 100; i++) await store.open();
    expect(world.api.requests.length).toBe(before);
  });
});

describe("rotate-root", () => {
  it("takes three steps, each of which trusts both sides, and publishes each", async () => {
    const store = open();
    const first = await store.open();
    expect(await store.rotate()).toBe("announced");
    const second = await open().open();
    expect(second.issuer).toEqual(first.issuer);
    expect(splitPem(published())).toHaveLength(2);
    expect(await store.rotate()).toBe("switched");
    const third = await open().open();
    expect(third.issuer).toEqual(second.next);
    expect(third.anchors).toBe(second.anchors);
    expect(third.next).toBeUndefined();
    expect(await store.rotate()).toBe("finished");
    expect(splitPem(published())).toEqual(splitPem(second.anchors).slice(1));
    expect((await open().open()).issuer).toEqual(third.issuer);
  });
  it("by several at once is one step: who loses is told, and does nothing", async () => {
    const first = await open().open();
    const secret = world.api.get<Data>(secretPath) as Data;
    const late = open();
    // Between its reading and its writing somebody else gets on.
    const taken = world.api.fail({
      verb: "update",
      path: secretPath,
      status: 409,
      reason: "Conflict",
    });
    await expect(late.rotate()).rejects.toThrow("changed meanwhile; nothing was done");
    taken();
    expect(world.api.get<Data>(secretPath)).toEqual(secret);
    expect((await open().open()).anchors).toBe(first.anchors);
    const all = await Promise.allSettled([open().rotate(), open().rotate(), open().rotate()]);
    const steps = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(new Set(steps).size).toBe(steps.length);
    expect(published()).toBe(kept()["ca.crt"]);
  });
  it("is not undone by a replica that read before it", async () => {
    const replicas = Array.from({ length: 4 }, () => open());
    await Promise.all(replicas.map((each) => each.open()));
    let isOver = false;
    const busy = replicas.map(async (each) => {
      while (!isOver) await each.open();
    });
    for (let i = 0; i < 6; i++) {
      await open().rotate();
      expect(published()).toBe(kept()["ca.crt"]);
    }
    isOver = true;
    await Promise.all(busy);
    expect(published()).toBe(kept()["ca.crt"]);
  });
});
