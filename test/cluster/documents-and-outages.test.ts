/** What is edited, wrong or away while apps of a real node run. */
import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { describeShop } from "../../scripts/cluster/describe-shop.ts";
import { type Ask, keepPlacing, place } from "../../scripts/cluster/shop.ts";
import {
  annotationsOf,
  app,
  component,
  deployment,
  job,
  pod,
} from "../../scripts/cluster/workloads.ts";

interface ComponentStatus {
  readonly status?: {
    readonly nodes?: ReadonlyArray<{
      readonly node: string;
      readonly ready: boolean;
      readonly reason: string;
      readonly message: string;
    }>;
  };
}
const values = { secrets: { namespaces: ["shop"] } };

await describeShop("Documents and outages on a real node", { values }, (shop) => {
  let relay: Ask;
  const namesOf = async (): Promise<readonly string[]> =>
    (await relay("/v1.0/metadata"))
      .json<{ components: ReadonlyArray<{ name: string }> }>()
      .components.map(({ name }) => name)
      .toSorted();
  const soon = { withinMs: 15_000 };

  beforeAll(async () => {
    await shop().cluster.apply([
      component("statestore", "state.in-memory"),
      deployment(app("orders")),
      deployment(app("relay")),
    ]);
    await shop().available("orders", "relay");
    relay = await shop().reach("relay");
  });

  describe("a Component", () => {
    const stateOf = async (name: string) => {
      const found = await shop().cluster.get<ComponentStatus>(
        "components.dapr.io",
        name,
        "--namespace=shop",
      );
      return found.status?.nodes?.[0];
    };

    it("is taken over while apps run: added, edited, scoped away, removed", async () => {
      const running = keepPlacing(relay);
      const { cluster } = shop();
      await cluster.apply([component("extra", "state.in-memory")]);
      await eventually(async () => (await namesOf()).includes("extra"), soon);
      const values = (): Promise<string> => relay("/v1.0/state/extra/a").then(({ text }) => text);
      await relay("/v1.0/state/extra", { body: [{ key: "a", value: 1 }] });
      expect(await values()).toBe("1");
      // Another store of the same name: what was kept is not in it.
      await cluster.apply([component("extra", "state.sqlite", { connectionString: ":memory:" })]);
      await eventually(async () => (await values()) === "", soon);
      await cluster.apply([
        component(
          "extra",
          "state.sqlite",
          { connectionString: ":memory:" },
          { scopes: ["orders"] },
        ),
      ]);
      await eventually(async () => !(await namesOf()).includes("extra"), soon);
      await cluster.kubectl(["-n", "shop", "delete", "component.dapr.io", "extra"]);
      expect((await running.stop()).failed).toEqual([]);
    });

    it("whose Secret is missing fails alone, and says so everywhere", async () => {
      const { cluster } = shop();
      const password = { redisHost: "127.0.0.1:1", redisPassword: { name: "redis", key: "p" } };
      await cluster.apply([component("broken", "pubsub.redis", password)]);
      const state = await eventually(async () => {
        const found = await stateOf("broken");
        return found?.ready === false && found;
      }, soon);
      expect(state).toMatchObject({ node: cluster.nodes[0]?.name, reason: "ComponentFailed" });
      expect(state.message).toContain('"redis"');
      const events = await cluster.kubectl(["-n", "shop", "get", "events"]);
      expect(events).toMatch(/Warning +ComponentFailed +component\/broken/);
      const status = await shop().k8s("status");
      expect(status).toMatchObject({
        code: 1,
        stdout: expect.stringContaining("broken") as string,
      });
      expect((await shop().k8s("components", "-n", "shop")).stdout).toMatch(/broken .*redis/);

      // Others are as they were, and new ones start.
      await place(relay);
      await relay("/v1.0/state/statestore", { body: [{ key: "a", value: 2 }] });
      expect((await relay("/v1.0/state/statestore/a")).text).toBe("2");
      const publish = await relay("/v1.0/publish/broken/topic", { body: {} });
      expect(publish.status).toBeGreaterThanOrEqual(400);
      await cluster.apply([
        job({ name: "beside", command: ["true"], annotations: annotationsOf("beside") }),
      ]);
      await cluster.kubectl(["-n", "shop", "wait", "--for=condition=Complete", "job/beside"]);
    });

    it("comes back when it is right", async () => {
      await shop().cluster.apply([component("broken", "pubsub.in-memory")]);
      await eventually(async () => (await stateOf("broken"))?.ready, soon);
      expect((await relay("/v1.0/publish/broken/topic", { body: {} })).status).toBe(204);
      const { stdout } = await shop().k8s("status");
      expect(stdout).toContain("No problems found.");
    });

    it("that means nothing is refused at once, or named afterwards", async () => {
      const { cluster } = shop();
      const wrong = component("odd", "state.nonsense") as { spec: object };
      const { code, stderr } = await cluster.tryKubectl(["apply", "-f", "-"], {
        input: JSON.stringify({ ...wrong, spec: { version: "v1" } }),
      });
      expect(code).toBe(1);
      expect(stderr).toContain("spec.type: Required value");
      await cluster.apply([wrong]);
      const state = await eventually(async () => {
        const found = await stateOf("odd");
        return found?.ready === false && found;
      }, soon);
      expect(state.message).toContain("state.nonsense");
      await place(relay);
      await cluster.kubectl(["-n", "shop", "delete", "component.dapr.io", "odd"]);
    });
  });

  it("the API server away: what runs goes on, and what is new comes when it is back", async () => {
    const { cluster } = shop();
    const running = keepPlacing(relay);
    await cluster.stopApiServer();
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await relay("/v1.0/state/statestore", { body: [{ key: "away", value: 3 }] });
    expect((await relay("/v1.0/state/statestore/away")).text).toBe("3");
    // Read by the first call with it; nobody could be asked for the cluster's keys.
    const unread = await relay("/v1.0/metadata", { headers: { "x-token": "file" } });
    expect(unread).toMatchObject({
      status: 503,
      text: expect.stringContaining("try again") as string,
    });
    await cluster.startApiServer();
    const { calls, failed } = await running.stop();
    expect(failed).toEqual([]);
    expect(calls).toBeGreaterThan(100);

    // Without the scheduler and controllers, which take up to a minute to be back.
    const spec = { nodeName: cluster.nodes[0]?.name };
    await cluster.apply([
      component("after", "state.in-memory"),
      pod(app("relay", { as: "after", spec })),
    ]);
    await cluster.kubectl(["-n", "shop", "wait", "--for=condition=Ready", "pod/after"]);
    // A runtime asks for news less and less often while there is nobody to give any; a call waits 15 s for it.
    const after = await shop().reach("after");
    const placed = await eventually(() => place(after).catch(() => undefined), {
      withinMs: 45_000,
    });
    expect(placed.by).toMatch(/^orders-/);
    await eventually(async () => (await namesOf()).includes("after"), { withinMs: 45_000 });
    const read = await relay("/v1.0/metadata", { headers: { "x-token": "file" } });
    expect(read.status).toBe(200);
    await eventually(async () => (await shop().k8s("status")).code === 0, { withinMs: 30_000 });
  });
});
