/** What a user does, on a real node: apps with the official SDK and Jobs, with the chart installed by helm. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import {
  hasRedisServer,
  redisServer,
  type RedisServerProcess,
} from "#test/support/redis-server.ts";
import { describeShop } from "../../scripts/cluster/describe-shop.ts";
import { type SeenPod, keepPlacing, place } from "../../scripts/cluster/shop.ts";
import {
  annotationsOf,
  app,
  component,
  cronJob,
  deployment,
  job,
  pod,
} from "../../scripts/cluster/workloads.ts";

const values = { secrets: { namespaces: ["shop"] } };
const secret = (name: string, stringData: object): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "shop" },
  stringData,
});
interface Placed {
  readonly id: string;
  readonly total?: number;
}

await describeShop("Apps of a real node and their Jobs", { values }, (shop) => {
  let redis: RedisServerProcess;
  const shipped = async (): Promise<readonly Placed[]> =>
    (await shop().ask("shipping", "/shipped")).json<readonly Placed[]>();
  const arrives = (id: string): Promise<Placed> =>
    eventually(async () => (await shipped()).find((placed) => placed.id === id), {
      what: `the message ${id}`,
      withinMs: 10_000,
    });

  beforeAll(async () => {
    if (!hasRedisServer) throw new Error("No redis-server on this machine");
    const { cluster } = shop();
    // Pods and runtime reach it as a server outside of the cluster.
    redis = await redisServer(["requirepass secret"], { host: cluster.hostAddress });
    const connection = {
      redisHost: redis.address,
      redisPassword: { name: "redis", key: "password" },
    };
    await cluster.apply([
      secret("redis", { password: "secret" }),
      secret("payment", { key: "sesame" }),
      component("pubsub", "pubsub.redis", connection),
      component("statestore", "state.in-memory"),
      component("locks", "lock.redis", connection),
      deployment(app("orders"), 2),
      ...["cart", "shipping", "relay"].map((name) => deployment(app(name))),
    ]);
    await shop().available("orders", "cart", "shipping", "relay");
  });
  afterAll(async () => {
    await redis?.stop();
  });

  describe("three apps with the official SDK", () => {
    it.each(["http", "grpc"] as const)("do their work over %s", async (over) => {
      const order = { id: `by-${over}`, over, quantity: 2, price: 3 };
      const answer = await shop().ask("cart", "/checkout", { body: order });
      expect(answer.json()).toEqual({
        placed: { total: 6, by: expect.stringMatching(/^orders-/) as string },
        kept: { id: order.id, total: 6 },
        secret: { key: "sesame" },
      });
      expect(await arrives(order.id)).toEqual({ id: order.id, total: 6 });
    });

    it("are called in turn, where there are several", async () => {
      const seen = new Set<string>();
      await eventually(async () => {
        const { by } = await place(await shop().reach("relay"));
        return seen.add(by).size === 2;
      });
    });

    it("got environment and a token, and no container", async () => {
      for (const name of ["orders", "cart", "shipping"]) {
        const [one] = await shop().pods(name);
        expectUntouched(one);
        expect(one?.status.containerStatuses?.[0]?.restartCount).toBe(0);
        expect(one?.metadata.annotations?.["outrigger.dev/token-sha256"]).toMatch(/^[0-9a-f]{64}$/);
        expect(one?.metadata.labels?.["outrigger.dev/app-id"]).toBe(name);
      }
    });
  });

  describe("Jobs", () => {
    const locked = async (): Promise<string> =>
      redis.cli("-a", "secret", "--no-auth-warning", "keys", "lock*");
    beforeAll(async () => {
      const { cluster } = shop();
      const publish =
        'wget -q -O- --header "dapr-api-token: $DAPR_API_TOKEN" --header "content-type: application/json"' +
        ' --post-data "{\\"id\\": \\"first\\"}" $DAPR_HTTP_ENDPOINT/v1.0/publish/pubsub/placed';
      const sdk = (...steps: string[]): string[] => ["node", "/app/job.mjs", ...steps];
      await cluster.apply([
        job({ name: "first", command: ["sh", "-c", publish], annotations: annotationsOf("first") }),
        job({
          name: "failing",
          command: sdk("lock:failing", "publish:failing", "wait:1500", "exit:7"),
          annotations: annotationsOf("failing"),
        }),
        job({
          name: "greedy",
          command: sdk("lock:greedy", "publish:greedy", "wait:1500", "memory"),
          annotations: annotationsOf("greedy"),
          container: { resources: { limits: { memory: "128Mi" } } },
        }),
        cronJob({
          name: "nightly",
          command: sdk("publish:nightly"),
          annotations: { "dapr.io/enabled": "true" },
        }),
      ]);
      await cluster.kubectl(
        ["-n", "shop", "create", "job", "nightly-29500000"].concat("--from=cronjob/nightly"),
      );
      const holders = new Set<string>();
      await eventually(
        async () => {
          const keys = await locked();
          for (const name of ["failing", "greedy"]) if (keys.includes(name)) holders.add(name);
          return holders.size === 2;
        },
        { what: "the locks of two Jobs", withinMs: 30_000 },
      );
    });
    const ended = async (name: string): Promise<SeenPod> => {
      const { items } = await eventually(
        async () => {
          const found = await shop().cluster.get<{ items: readonly SeenPod[] }>(
            "pods",
            "--namespace=shop",
            `--selector=batch.kubernetes.io/job-name=${name}`,
          );
          return ["Succeeded", "Failed"].includes(found.items[0]?.status.phase ?? "") && found;
        },
        { what: `the end of the Job ${name}`, withinMs: 60_000 },
      );
      expect(items).toHaveLength(1);
      expectUntouched(items[0]);
      return items[0] as SeenPod;
    };
    const endOf = (found: SeenPod): unknown =>
      found.status.containerStatuses?.[0]?.state.terminated;
    const condition = (name: string): Promise<string> =>
      shop().cluster.kubectl(
        ["-n", "shop", "get", "job", name, "-o"].concat(
          'jsonpath={.status.conditions[?(@.status=="True")].type}',
        ),
      );

    it("publish with their first instruction, and complete", async () => {
      expect(endOf(await ended("first"))).toMatchObject({ exitCode: 0, reason: "Completed" });
      await arrives("first");
      await eventually(async () => (await condition("first")).includes("Complete"));
    });

    it("fail with their own exit code, and are kept", async () => {
      expect(endOf(await ended("failing"))).toMatchObject({ exitCode: 7, reason: "Error" });
      await arrives("failing");
      await eventually(async () => (await condition("failing")).includes("Failed"));
    });

    it("are killed when they take too much memory, and nothing else is", async () => {
      expect(endOf(await ended("greedy"))).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
      await arrives("greedy");
    });

    it("of a CronJob have its name as their app id", async () => {
      const found = await ended("nightly-29500000");
      expect(endOf(found)).toMatchObject({ exitCode: 0 });
      expect(found.metadata.labels?.["outrigger.dev/app-id"]).toBe("nightly");
      await arrives("nightly");
    });

    it("leave nothing behind: no token, no lock, no app", async () => {
      for (const name of ["first", "failing", "greedy", "nightly-29500000"]) {
        const answer = await shop().ask("relay", "/v1.0/metadata", {
          headers: { "x-token": tokenOf(await ended(name)) },
        });
        expect(answer).toMatchObject({
          status: 401,
          text: expect.stringContaining("invalid api token") as string,
        });
      }
      await eventually(async () => (await locked()) === "", { what: "the end of the locks" });
      const { stdout } = await shop().k8s("apps", "--namespace", "shop");
      expect(stdout).toContain("relay");
      expect(stdout).toMatch(/ failing .* Failed /);
      const { stdout: log } = await shop().k8s("logs", "failing", "--namespace", "shop");
      expect(log).toMatch(/is no longer hosted here/);
    });
  });

  describe("pods that go", () => {
    it("in mid-call: the caller gets an error at once, others notice nothing", async () => {
      const { cluster } = shop();
      await cluster.apply([pod(app("relay", { as: "slow" }))]);
      await cluster.kubectl(["-n", "shop", "wait", "--for=condition=Ready", "pod/slow"]);
      const others = keepPlacing(await shop().reach("relay"));
      const call = shop().ask("relay", "/v1.0/invoke/slow/method/slow");
      await new Promise((resolve) => setTimeout(resolve, 500));
      const since = performance.now();
      await cluster.kubectl(["-n", "shop", "delete", "pod", "slow", "--wait=false", "--now"]);
      expect((await call).status).toBe(500);
      // The kubelet gives a pod 2 s at least.
      expect(performance.now() - since).toBeLessThan(10_000);
      expect(await others.stop()).toMatchObject({ failed: [] });
      const after = await shop().ask("relay", "/v1.0/invoke/slow/method/slow");
      expect(after.status).toBe(500);
      expect(after.text).toContain("ERR_DIRECT_INVOKE");
    });

    it("one by one, for new ones: no call fails meanwhile", async () => {
      const { cluster } = shop();
      const before = (await shop().pods("orders")).map(({ metadata }) => metadata.name);
      const relay = await shop().reach("relay");
      const running = keepPlacing(relay);
      await cluster.kubectl(["-n", "shop", "rollout", "restart", "deployment/orders"]);
      await shop().available("orders");
      await eventually(async () => (await shop().pods("orders")).length === 2, {
        withinMs: 20_000,
      });
      const { calls, failed } = await running.stop();
      expect(failed).toEqual([]);
      expect(calls).toBeGreaterThan(100);
      expect(before).not.toContain((await place(relay)).by);
    });
  });

  describe("the command line", () => {
    it("says that all is well, and what there is", async () => {
      const status = await shop().k8s("status");
      expect(status).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("No problems found.") as string,
      });
      const apps = await shop().k8s("apps", "-n", "shop");
      for (const name of ["cart", "orders", "shipping"]) expect(apps.stdout).toContain(name);
      const components = await shop().k8s("components", "-n", "shop");
      expect(components.stdout).toMatch(/pubsub .*pubsub\.redis/);
      const logs = await shop().k8s("logs", "shipping", "-n", "shop");
      expect(logs).toMatchObject({
        code: 0,
        stdout: expect.stringContaining("Hosting the app") as string,
      });
    });
  });
});

/** Nothing was put into it but environment, a token's volume, and what says so. */
function expectUntouched(found: SeenPod | undefined): void {
  expect(found?.spec.containers.map(({ name }) => name)).toEqual(["app"]);
  expect(found?.spec.initContainers).toBeUndefined();
}

function tokenOf(found: SeenPod): string {
  const token = found.spec.containers[0]?.env?.find(({ name }) => name === "DAPR_API_TOKEN");
  if (!token?.value) throw new Error(`${found.metadata.name} has no token`);
  return token.value;
}
