/** Who is let in on a real node, and who is told what is wrong: admission, tokens, Secrets, sidecars. */
import { beforeAll, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { systemNamespace } from "../../scripts/cluster/chart.ts";
import { describeShop } from "../../scripts/cluster/describe-shop.ts";
import {
  type Ask,
  type SeenPod,
  keepPlacing,
  openShop,
  place,
} from "../../scripts/cluster/shop.ts";
import {
  annotationsOf,
  app,
  component,
  deployment,
  job,
  pod,
} from "../../scripts/cluster/workloads.ts";

const options = {
  values: { secrets: { namespaces: ["shop"] }, sidecars: { namespaces: ["shop"] } },
  namespaces: ["closed"],
};

await describeShop("Rights and modes on a real node", options, (shop) => {
  let relay: Ask;
  /** What kubectl says of it; empty: it was taken. */
  const refusalOf = async (object: object): Promise<string> => {
    const ran = await shop().cluster.tryKubectl(["create", "-f", "-"], {
      input: JSON.stringify(object),
    });
    return ran.code === 0 ? "" : ran.stderr;
  };
  const podNamed = (name: string): Promise<SeenPod> =>
    shop().cluster.get<SeenPod>("pod", name, "--namespace=shop");
  const ready = (...names: readonly string[]): Promise<string> =>
    shop().cluster.kubectl(
      ["-n", "shop", "wait", "--for=condition=Ready"].concat(names.map((name) => `pod/${name}`)),
    );
  const sleeping = { command: ["sleep", "1000"] };

  beforeAll(async () => {
    const stringData = { key: "sesame" };
    const metadata = (namespace: string): object => ({ name: "payment", namespace });
    await shop().cluster.apply([
      ...["shop", "closed"].map((namespace) => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: metadata(namespace),
        stringData,
      })),
      component("statestore", "state.in-memory"),
      deployment(app("orders")),
      deployment(app("relay")),
    ]);
    await shop().available("orders", "relay");
    relay = await shop().reach("relay");
  });

  describe("admission", () => {
    const annotated = { ...sleeping, annotations: annotationsOf("late") };

    it("refuses what it cannot read, and says how to write it", async () => {
      const annotations = {
        "dapr.io/enabled": "true",
        "dapr.io/app-id": "Not_An_Id",
        "dapr.io/app-port": "many",
        "dapr.io/app-protocol": "ftp",
        "outrigger.dev/mode": "both",
      };
      const refusal = await refusalOf(pod({ name: "wrong", ...sleeping, annotations }));
      expect(refusal).toContain("Outrigger cannot serve pod shop/wrong");
      for (const name of Object.keys(annotations).slice(1)) expect(refusal).toContain(`${name}: `);
      expect(refusal).toContain("write a number from 1 to 65535");
    });

    it("refuses the pods of a Job, whose Events say why", async () => {
      const annotations = { "dapr.io/enabled": "true", "dapr.io/app-port": "-4" };
      const { cluster } = shop();
      await cluster.apply([job({ name: "wrong", ...sleeping, annotations })]);
      await eventually(
        async () =>
          (await cluster.kubectl(["-n", "shop", "describe", "job", "wrong"])).includes(
            "dapr.io/app-port: ",
          ),
        { what: "the Event of the Job", withinMs: 15_000 },
      );
      await cluster.kubectl(["-n", "shop", "delete", "job", "wrong"]);
    });

    it("never touches pods that are not annotated", async () => {
      for (const [name, annotations] of [
        ["plain", {}],
        ["disabled", { "dapr.io/enabled": "false", "dapr.io/app-port": "many" }],
      ] as const) {
        expect(await refusalOf(pod({ name, ...sleeping, annotations }))).toBe("");
        const { metadata, spec } = await podNamed(name);
        expect(metadata.annotations ?? {}).toEqual(annotations);
        expect(metadata.labels).toEqual({ app: name });
        expect(spec.containers.map((container) => container.env)).toEqual([undefined]);
        expect(spec.initContainers).toBeUndefined();
        expect(spec.volumes?.filter((volume) => !volume.name.startsWith("kube-api-"))).toEqual([]);
      }
    });

    it("says which workloads share an app id", async () => {
      const { cluster } = shop();
      await cluster.apply([
        pod({ name: "double", ...sleeping, annotations: annotationsOf("orders", 3000) }),
      ]);
      await eventually(
        async () =>
          (await cluster.kubectl(["-n", "shop", "get", "events"])).includes("DuplicateAppId"),
        { what: "an Event", withinMs: 15_000 },
      );
      await cluster.kubectl(["-n", "shop", "delete", "pod", "double", "--now"]);
    });

    it("without an injector: annotated pods wait, all others start, and apps go on", async () => {
      const { cluster } = shop();
      const scale = (replicas: number): Promise<string> =>
        cluster.kubectl(
          ["-n", systemNamespace, "scale", "deployment/outrigger-injector"].concat(
            `--replicas=${replicas}`,
          ),
        );
      const running = keepPlacing(relay);
      await scale(0);
      await cluster.kubectl(
        ["-n", systemNamespace, "wait", "--for=delete", "pod", "--timeout=60s"].concat(
          "--selector=app.kubernetes.io/component=injector",
        ),
        { timeoutMs: 65_000 },
      );
      expect(await refusalOf(pod({ name: "plain-too", ...sleeping }))).toBe("");
      expect(await refusalOf(pod({ name: "late", ...annotated }))).toContain(
        'failed calling webhook "injector.outrigger.dev"',
      );
      await cluster.apply([deployment({ name: "late", ...annotated })]);
      await scale(2);
      await shop().available("late");
      const [late] = await shop().pods("late");
      expect(late?.metadata.annotations?.["outrigger.dev/injected"]).toBe("shared");
      expect((await running.stop()).failed).toEqual([]);
    });
  });

  describe("callers", () => {
    const metadata = (token: string): ReturnType<Ask> =>
      relay("/v1.0/metadata", { headers: { "x-token": token } });
    const tokenOf = async (audience: string, boundTo: SeenPod): Promise<string> => {
      const { name, uid } = boundTo.metadata;
      const text = await shop().cluster.kubectl(
        ["-n", "shop", "create", "token", "default", `--audience=${audience}`].concat(
          "--bound-object-kind=Pod",
          `--bound-object-name=${name}`,
          `--bound-object-uid=${uid}`,
        ),
      );
      return text.trim();
    };

    it("may show the file of OUTRIGGER_TOKEN_FILE in place of DAPR_API_TOKEN", async () => {
      const answer = await metadata("file");
      expect(answer.status).toBe(200);
      expect(answer.json<{ id: string }>().id).toBe("relay");
    });

    it("are known by nothing else", async () => {
      const [own] = await shop().pods("relay");
      const [other] = await shop().pods("orders");
      if (!own || !other) throw new Error("the apps are gone");
      const theirs = other.spec.containers[0]?.env?.find(({ name }) => name === "DAPR_API_TOKEN");
      for (const [token, status, text] of [
        ["none", 401, "missing api token"],
        ["some", 401, "invalid api token"],
        [await tokenOf("vault", own), 401, "invalid api token"],
        [await tokenOf("outrigger", other), 403, "the api token belongs to another pod"],
        [theirs?.value ?? "", 403, "the api token belongs to another pod"],
      ] as const) {
        const answer = await metadata(token);
        expect(answer).toMatchObject({ status, text: expect.stringContaining(text) as string });
      }
      expect((await metadata(await tokenOf("outrigger", own))).status).toBe(200);
    });

    it("on the node's own network are served too, and called", async () => {
      const { cluster } = shop();
      const container = { env: [{ name: "PORT", value: "3100" }] };
      await cluster.apply([
        pod({
          ...app("relay", { as: "host", spec: { hostNetwork: true } }),
          annotations: annotationsOf("host", 3100),
          container: {
            ...container,
            readinessProbe: { tcpSocket: { port: 3100 }, periodSeconds: 1 },
          },
        }),
      ]);
      await ready("host");
      const host = await shop().reach("host", 3100);
      expect((await host("/v1.0/metadata")).json<{ id: string }>().id).toBe("host");
      expect((await place(host)).by).toMatch(/^orders-/);
      expect((await relay("/v1.0/invoke/host/method/x")).text).toBe('{"by":"host"}');
      // From there the token decides alone, and it is not the node's to give.
      expect((await host("/v1.0/metadata", { headers: { "x-token": "none" } })).status).toBe(401);
    });

    it("in a namespace without the right are told how to read Secrets", async () => {
      const { cluster } = shop();
      const settings = { redisHost: "127.0.0.1:1", redisPassword: { name: "payment", key: "key" } };
      await cluster.apply([
        component("db", "state.redis", settings, { namespace: "closed" }),
        pod({ ...app("relay", { as: "shut" }), namespace: "closed" }),
      ]);
      await cluster.kubectl(["-n", "closed", "wait", "--for=condition=Ready", "pod/shut"]);
      const shut = await openShop(cluster, "closed").reach("shut");
      const answer = await shut("/v1.0/secrets/kubernetes/payment");
      expect(answer.status).toBe(500);
      expect(answer.text).toContain('namespace \\"closed\\" has no RoleBinding for it');
      expect(answer.text).toContain("secrets.namespaces");
      expect((await relay("/v1.0/secrets/kubernetes/payment")).json()).toEqual({ key: "sesame" });
      const db = await eventually(
        async () => {
          const args = ["-n", "closed", "get", "component.dapr.io", "db", "-o", "yaml"];
          const text = await cluster.kubectl(args);
          return text.includes("ready: false") && text;
        },
        { what: "the status of the Component", withinMs: 15_000 },
      );
      expect(db).toContain("secrets.namespaces");
      // Nor is there a way round by the name of another namespace.
      const round = await shut("/v1.0/secrets/kubernetes/payment?metadata.namespace=shop");
      expect(round.status).toBe(500);
    });
  });

  describe("a native sidecar", () => {
    const aside = (name: string): Readonly<Record<string, string>> => ({
      ...annotationsOf(name),
      "outrigger.dev/mode": "sidecar",
    });
    const local = "http://localhost:3500/v1.0";

    it("serves localhost:3500, and its Jobs end with their own exit code", async () => {
      const { cluster } = shop();
      const save = `wget -q -O- --header "content-type: application/json" --post-data '[{"key":"a","value":1}]' ${local}/state/statestore`;
      const read = `wget -q -O- ${local}/state/statestore/a`;
      const work = (code: number): string[] => ["sh", "-c", `${save} && ${read} && exit ${code}`];
      await cluster.apply(
        [0, 3].map((code) =>
          job({
            name: `aside-${code}`,
            command: work(code),
            annotations: { ...aside(`aside-${code}`), "dapr.io/graceful-shutdown-seconds": "1" },
          }),
        ),
      );
      for (const code of [0, 3]) {
        const wanted = code === 0 ? "Complete" : "Failed";
        await cluster.kubectl(
          ["-n", "shop", "wait", `--for=condition=${wanted}`, `job/aside-${code}`].concat(
            "--timeout=50s",
          ),
        );
        const { items } = await cluster.get<{ items: readonly SeenPod[] }>(
          "pods",
          "--namespace=shop",
          `--selector=app=aside-${code}`,
        );
        expect(items[0]?.spec.initContainers?.map(({ name }) => name)).toEqual(["daprd"]);
        expect(items[0]?.spec.containers.map(({ name }) => name)).toEqual(["app"]);
        const [status] = items[0]?.status.containerStatuses ?? [];
        expect(status?.state.terminated?.exitCode).toBe(code);
        expect(await shop().log(`job/aside-${code}`, "--container=app")).toBe("1");
      }
    });
  });
});
