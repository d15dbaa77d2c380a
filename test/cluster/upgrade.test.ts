/** The runtime of a real node, replaced while apps use it. */
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { systemNamespace } from "../../scripts/cluster/chart.ts";
import { describeShop } from "../../scripts/cluster/describe-shop.ts";
import { olderImage, olderImageName, olderVersion } from "../../scripts/cluster/older-image.ts";
import { type Ask, keepPlacing, openShop, place } from "../../scripts/cluster/shop.ts";
import { livesOf, runtimePods, startLoad, upgrade } from "../../scripts/cluster/upgrade.ts";
import { annotationsOf, app, deployment, job } from "../../scripts/cluster/workloads.ts";

/** See apps/first-call.ts. */
interface FirstCall {
  readonly came: Readonly<Record<string, number>>;
  readonly failingMs: number;
  readonly tookMs: number;
}
const total = 20_000;
const path = "/v1.0/invoke/orders/method/place";
const options = {
  values: { versionPins: [{ version: olderVersion, image: olderImageName }] },
  namespaces: ["other"],
  image: olderImage,
};

await describeShop("The runtime of a node, replaced", options, (shop) => {
  let relay: Ask;
  beforeAll(async () => {
    const { cluster } = shop();
    await cluster.apply([
      deployment(app("relay", { as: "orders" })),
      deployment(app("relay")),
      deployment(app("relay", { namespace: "other" })),
    ]);
    await shop().available("orders", "relay");
    await openShop(cluster, "other").available("relay");
    relay = await shop().reach("relay");
    await place(relay);
  });

  it("by an upgrade: no call fails, no app starts anew", async () => {
    const before = await livesOf(shop(), "orders", "relay");
    const load = await startLoad(shop(), "load", {
      http: { path, rate: 800, connections: 50 },
      grpc: { rate: 200, channels: 4 },
      total,
    });
    await upgrade(shop());
    // Calls that the new one alone has taken.
    expect(await load.calls()).toBeLessThan(total);
    const report = await load.report();
    expect(report).toMatchObject({ calls: total, failed: 0, failures: {} });
    // What the machine keeps the client itself from is not the runtime's.
    expect(report.longestPauseMs - report.longestStallMs).toBeLessThan(250);
    expect(await livesOf(shop(), "orders", "relay")).toEqual(before);
  });

  describe("by nothing for a moment", () => {
    /** Pods that start now, and call the runtime with their first instruction. */
    async function startPods(prefix: string): Promise<void> {
      const names = Array.from({ length: 6 }, (_, i) => `${prefix}-${i}`);
      for (const name of names) {
        const command = ["node", "/app/first-call.mjs"];
        await shop().cluster.apply([job({ name, command, annotations: annotationsOf(name) })]);
        await delay(300);
      }
      const jobs = names.map((name) => `job/${name}`);
      const until = ["--for=condition=Complete", "--timeout=60s"];
      await shop().cluster.kubectl(["-n", "shop", "wait", ...until, ...jobs], {
        timeoutMs: 65_000,
      });
      const found = await Promise.all(jobs.map(firstCallOf));
      for (const { came, failingMs, tookMs } of found) {
        for (const how of Object.keys(came)) expect(["ECONNREFUSED", "503"]).toContain(how);
        expect(failingMs).toBeLessThan(1000);
        expect(tookMs).toBeLessThan(5000);
      }
    }
    async function firstCallOf(name: string): Promise<FirstCall> {
      return JSON.parse((await shop().log(name)).trim().split("\n").at(-1) ?? "") as FirstCall;
    }

    it("deleted: it serves until the next one does, also pods that start meanwhile", async () => {
      const before = await livesOf(shop(), "orders", "relay");
      const running = keepPlacing(relay);
      const [runtime] = await runtimePods(shop());
      const args = ["-n", systemNamespace, "delete", "pod", runtime?.metadata.name ?? ""];
      await shop().cluster.kubectl([...args, "--wait=false"]);
      await startPods("deleted");
      // It ends when nobody has used it for a while.
      const gone = ["wait", "--for=delete", `pod/${runtime?.metadata.name}`];
      await shop().cluster.kubectl(["-n", systemNamespace, ...gone]);
      expect((await running.stop()).failed).toEqual([]);
      expect(await livesOf(shop(), "orders", "relay")).toEqual(before);
    });
    it("killed, with pods that start meanwhile: their first call gets through", async () => {
      const before = await livesOf(shop(), "orders", "relay");
      const { cluster } = shop();
      const restarts = async (): Promise<number> =>
        (await runtimePods(shop()))[0]?.status.containerStatuses?.[0]?.restartCount ?? 0;
      expect(await restarts()).toBe(0);
      const killed = await cluster.nodeExec(cluster.nodes[0]?.name ?? "", [
        "pkill",
        "--signal=KILL",
        "--full",
        "--count",
        "^/usr/bin/node .*/outrigger.mjs node --scope=node",
      ]);
      expect(killed.trim()).toBe("1");
      await startPods("killed");
      expect(await restarts()).toBe(1);
      expect(await livesOf(shop(), "orders", "relay")).toEqual(before);
    });
  });

  describe("for one namespace, by an older version", () => {
    const pin = async (version: string, until?: string): Promise<void> => {
      const metadata = {
        name: "shop",
        annotations: {
          "outrigger.dev/version-pin": version,
          ...(until === undefined ? {} : { "outrigger.dev/version-pin-until": until }),
        },
      };
      await shop().cluster.apply([{ apiVersion: "v1", kind: "Namespace", metadata }]);
    };
    const versionFor = async (ask: Ask): Promise<string> =>
      (await ask("/v1.0/metadata")).json<{ runtimeVersion: string }>().runtimeVersion;

    it("that is pinned for a while, and no call fails at either change", async () => {
      const other = await openShop(shop().cluster, "other").reach("relay");
      const present = await versionFor(relay);
      expect(await versionFor(other)).toBe(present);
      const running = keepPlacing(relay);
      await pin(olderVersion);
      await eventually(async () => (await versionFor(relay)) === olderVersion, {
        withinMs: 15_000,
      });
      expect(await versionFor(other)).toBe(present);
      const until = Date.now() + 5000;
      await pin(olderVersion, new Date(until).toISOString());
      await delay(2000);
      expect(await versionFor(relay)).toBe(olderVersion);
      await eventually(async () => (await versionFor(relay)) === present, { withinMs: 20_000 });
      expect(Date.now()).toBeGreaterThan(until);
      expect((await running.stop()).failed).toEqual([]);
    });
    it("that is not there: the present one serves, and the log says so", async () => {
      await pin("7.7.7");
      const [runtime] = await runtimePods(shop());
      const log = (): Promise<string> =>
        shop().cluster.kubectl(["-n", systemNamespace, "logs", runtime?.metadata.name ?? ""]);
      await eventually(async () => (await log()).includes("There is no version 7.7.7 here"), {
        withinMs: 15_000,
      });
      await place(relay);
      expect(await versionFor(relay)).not.toBe("7.7.7");
    });
  });
});
