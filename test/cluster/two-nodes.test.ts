/** Calls between the runtimes of two real nodes, and what somebody who has taken one of them over can do. */
import { connect } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { serverNameOf } from "#targets/node/peers/server-name.ts";
import { askAuthority } from "#test/support/ask-authority.ts";
import { eventually } from "#test/support/eventually.ts";
import type { ClusterNode } from "../../scripts/cluster/api.ts";
import { systemNamespace } from "../../scripts/cluster/chart.ts";
import { describeShop } from "../../scripts/cluster/describe-shop.ts";
import { type Ask, type SeenPod, keepPlacing, place } from "../../scripts/cluster/shop.ts";
import { app, component, deployment } from "../../scripts/cluster/workloads.ts";

/** Certificates are renewed at half of it. */
const certificateSeconds = 16;
const options = {
  nodes: 2,
  values: {
    secrets: { namespaces: ["shop"] },
    ca: { workloadCertTTL: `${certificateSeconds}s` },
  },
  namespaces: ["closed"],
} as const;
/** For whom the authority's tokens are meant. */
const audience = `spiffe://cluster.local/ns/${systemNamespace}/dapr-sentry`;
const internalPort = 50_002;

await describeShop("Two real nodes", options, (shop) => {
  let first: ClusterNode;
  let second: ClusterNode;
  /** Of the first node. */
  let relay: Ask;
  const on = ({ name }: ClusterNode): object => ({
    // Whoever calls has to hear of the end before it comes, as with a Service.
    container: { lifecycle: { preStop: { sleep: { seconds: 1 } } } },
    spec: {
      nodeSelector: { "kubernetes.io/hostname": name },
      terminationGracePeriodSeconds: 3,
    },
  });
  const tokenOf = async (name: string): Promise<string> => {
    const [pod] = await shop().pods(name);
    const env = pod?.spec.containers[0]?.env ?? [];
    return env.find((each) => each.name === "DAPR_API_TOKEN")?.value ?? "";
  };

  beforeAll(async () => {
    const { cluster } = shop();
    [first, second] = cluster.nodes as [ClusterNode, ClusterNode];
    await cluster.apply([
      ...["shop", "closed"].map((namespace) => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "payment", namespace },
        stringData: { key: "sesame" },
      })),
      component("statestore", "state.in-memory"),
      component("pubsub", "pubsub.in-memory"),
      deployment(app("cart", on(first))),
      deployment(app("relay", on(first))),
      deployment(app("orders", on(second))),
      deployment(app("relay", { as: "stranger", ...on(second) })),
    ]);
    await shop().available("cart", "relay", "orders", "stranger");
    relay = await shop().reach("relay");
    await eventually(() => place(relay), { what: "the first call", withinMs: 15_000 });
  });

  it.each(["http", "grpc"] as const)("carry calls of the official SDK over %s", async (over) => {
    const order = { id: `by-${over}`, over, quantity: 2, price: 3 };
    const answer = await shop().ask("cart", "/checkout", { body: order });
    expect(answer.json()).toMatchObject({
      placed: { total: 6, by: expect.stringMatching(/^orders-/) as string },
    });
  });

  it("let in nobody without a certificate", async () => {
    const shown = await certificateOf(second, "orders");
    expect(shown.names).toContain("URI:spiffe://public/ns/shop/orders");
    expect(shown.end).toMatch(/alert|ECONNRESET/);
    // Of an app of the other node.
    expect((await certificateOf(second, "cart")).names).toBe("");
  });

  describe("a pod's token", () => {
    const call = (ask: Ask, token: string, node: ClusterNode): ReturnType<Ask> =>
      ask("/v1.0/metadata", {
        headers: { "x-token": token, "x-runtime": `http://${node.ip}:3500` },
      });

    it("counts at its own node, for its own pod", async () => {
      const answer = await call(relay, await tokenOf("relay"), first);
      expect(answer.status).toBe(200);
      expect(answer.json()).toMatchObject({ id: "relay" });
    });
    it("counts nowhere else", async () => {
      const token = await tokenOf("relay");
      const stranger = await shop().reach("stranger");
      const cart = await tokenOf("cart");
      const from = async (asked: ReturnType<Ask>): Promise<number> => (await asked).status;
      // At the other node, from the right pod; and from a pod of that node.
      expect([401, 403]).toContain(await from(call(relay, token, second)));
      expect([401, 403]).toContain(await from(call(stranger, token, second)));
      // At its own node, from pods of this one and of the other, and from outside of the cluster.
      expect(await from(call(relay, cart, first))).toBe(403);
      expect(await from(call(stranger, token, first))).toBe(403);
      const outside = await fetch(`http://${first.ip}:3500/v1.0/metadata`, {
        headers: { "dapr-api-token": token },
      });
      expect(outside.status).toBe(403);
    });
  });

  it("lose no call of an app whose pod moves, there and back", async () => {
    const nodeOf = async (): Promise<string | undefined> => {
      const pods = (await shop().pods("orders")) as ReadonlyArray<
        SeenPod & { readonly spec: { readonly nodeName?: string } }
      >;
      return pods.length === 1 ? pods[0]?.spec.nodeName : undefined;
    };
    const running = keepPlacing(relay);
    for (const to of [first, second]) {
      await shop().cluster.apply([deployment(app("orders", on(to)))]);
      await shop().available("orders");
      await eventually(async () => (await nodeOf()) === to.name, { withinMs: 30_000 });
    }
    const { calls, failed } = await running.stop();
    expect(failed).toEqual([]);
    expect(calls).toBeGreaterThan(100);
  });

  it("find an app again whose only pod was deleted", async () => {
    const [pod] = await shop().pods("orders");
    const { cluster } = shop();
    await cluster.kubectl(["-n", "shop", "scale", "deployment/orders", "--replicas=0"]);
    await cluster.kubectl(["-n", "shop", "wait", "--for=delete", `pod/${pod?.metadata.name}`]);
    await cluster.apply([deployment(app("orders", on(first)))]);
    await shop().available("orders");
    await eventually(() => place(relay), { withinMs: 2000 });
  });

  it("renew the certificates of their apps while they call each other", async () => {
    await shop().cluster.apply([deployment(app("orders", on(second)))]);
    await shop().available("orders");
    await eventually(async () => (await certificateOf(second, "orders")).names !== "");
    const serials = new Set<string>();
    const running = keepPlacing(relay);
    const since = performance.now();
    while (performance.now() - since < 1000 * (certificateSeconds + 2)) {
      serials.add((await certificateOf(second, "orders")).serial);
      await delay(500);
    }
    expect(serials.size).toBeGreaterThan(2);
    expect((await running.stop()).failed).toEqual([]);
  });

  describe("a node's runtime that was taken over", () => {
    let ca: string;
    const runtimeOf = async ({ name }: ClusterNode): Promise<string> => {
      const pods = await shop().cluster.get<{ items: readonly SeenPod[] }>(
        "pods",
        `--namespace=${systemNamespace}`,
        "--selector=app.kubernetes.io/component=node",
        `--field-selector=spec.nodeName=${name}`,
      );
      return pods.items[0]?.metadata.name ?? "";
    };
    /** As the kubelet gives it to that pod. */
    const tokenFor = async (pod: string, ...more: readonly string[]): Promise<string> => {
      const args = ["-n", systemNamespace, "create", "token", "outrigger-node"];
      const bound = ["--bound-object-kind=Pod", `--bound-object-name=${pod}`];
      return (await shop().cluster.kubectl([...args, ...bound, ...more])).trim();
    };
    beforeAll(async () => {
      const { items } = await shop().cluster.get<{ items: readonly SeenPod[] }>(
        "pods",
        `--namespace=${systemNamespace}`,
        "--selector=app.kubernetes.io/component=ca",
      );
      ca = `${items[0]?.status.podIP}:50001`;
    });

    it("gets certificates of the apps of its own node, and of no others", async () => {
      const token = await tokenFor(await runtimeOf(first), `--audience=${audience}`);
      const ask = (appId: string, namespace = "shop"): Promise<string> =>
        askAuthority(ca, token, { namespace, appId });
      expect(await ask("cart")).toContain("URI:spiffe://public/ns/shop/cart");
      expect(await ask("orders")).toMatch(/no pod of app "orders".* is on node/);
      expect(await ask("stranger")).toMatch(/no pod of app "stranger".* is on node/);
      expect(await ask("cart", "closed")).toContain("no pod of app");
      expect(await ask("dapr-sentry", systemNamespace)).toContain("the authority's own");
    });
    it("gets none with the token for the API server", async () => {
      const token = await tokenFor(await runtimeOf(first));
      expect(await askAuthority(ca, token, { namespace: "shop", appId: "cart" })).toContain(
        "Kubernetes does not accept the token",
      );
    });
    it("reads Secrets by name where it was allowed to, and no others", async () => {
      const token = await tokenFor(await runtimeOf(first));
      const asRuntime = (...args: readonly string[]) =>
        shop().cluster.tryKubectl([...args, `--token=${token}`]);
      const can = async (...what: readonly string[]): Promise<string> =>
        (await asRuntime("auth", "can-i", ...what)).stdout.trim();
      expect((await asRuntime("auth", "whoami", "-o", "name")).stderr).toBe("");
      expect(await can("get", "secrets/payment", "-n", "shop")).toBe("yes");
      for (const what of [
        ["list", "secrets", "-A"],
        ["get", "secrets", "-A"],
        ["list", "secrets", "-n", "shop"],
        ["watch", "secrets", "-n", "shop"],
        ["get", "secrets/payment", "-n", "closed"],
        ["get", "secrets/outrigger-ca", "-n", systemNamespace],
        ["create", "pods", "-n", "shop"],
        ["patch", "pods", "-n", "shop"],
        ["create", "pods/exec", "-n", "shop"],
        ["create", "serviceaccounts/token", "-n", "shop"],
        ["impersonate", "serviceaccounts", "-n", "shop"],
      ])
        expect([what, await can(...what)]).toEqual([what, "no"]);
      const secret = (namespace: string) =>
        asRuntime("-n", namespace, "get", "secret", "payment", "-o", "name");
      expect(await secret("shop")).toMatchObject({ code: 0, stdout: "secret/payment\n" });
      expect((await secret("closed")).stderr).toContain("Forbidden");
    });
  });
});

/** What a node shows to somebody without a certificate who asks for an app of `shop`, and how it ends that. */
function certificateOf(
  { ip }: ClusterNode,
  appId: string,
): Promise<{ readonly names: string; readonly serial: string; readonly end: string }> {
  return new Promise((resolve) => {
    let shown = { names: "", serial: "" };
    const socket = connect({
      host: ip,
      port: internalPort,
      servername: serverNameOf({ namespace: "shop", appId }),
      rejectUnauthorized: false,
    });
    const end = (how: string): void => {
      socket.destroy();
      resolve({ ...shown, end: how });
    };
    socket.once("secureConnect", () => {
      const { subjectaltname = "", serialNumber } = socket.getPeerCertificate();
      shown = { names: subjectaltname, serial: serialNumber };
    });
    socket.once("error", (reason) => end(reason.message));
    socket.once("close", () => end("closed"));
  });
}
