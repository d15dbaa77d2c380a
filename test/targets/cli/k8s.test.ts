import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject } from "#k8s/api/objects.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { inspectCluster } from "#k8s/inspect/status.ts";
import { k8s } from "#targets/cli/k8s.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { serveKinds } from "#test/support/dapr-kinds.ts";
import { eventually } from "#test/support/eventually.ts";
import { appPod, healthyCluster, pod, put, webhook } from "#test/support/k8s-cluster.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { fakeCli } from "./fake-cli.ts";

let api: KubeApiDouble;
beforeEach(async () => {
  api = await kubeApi();
});
afterEach(() => api[Symbol.asyncDispose]());

function kubeconfig(): string {
  const path = temporaryFile("kubeconfig.yaml");
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster: { server: api.url } }],
      users: [{ name: "test", user: { token: "t" } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    }),
  );
  return path;
}
async function run(...args: readonly string[]) {
  const fake = fakeCli();
  const code = await k8s([...args, "--kubeconfig", kubeconfig()], fake.cli);
  return { code, out: fake.out(), err: fake.err() };
}
interface Report {
  readonly ok: boolean;
  readonly kubernetes: string;
  readonly findings: ReadonlyArray<{
    readonly check: string;
    readonly level: string;
    readonly message: string;
    readonly todo?: string;
  }>;
}
async function report(): Promise<Report & { readonly code: number }> {
  const { code, out, err } = await run("status", "-o", "json");
  expect(err).toBe("");
  return { ...(JSON.parse(out) as Report), code };
}
const problems = ({ findings }: Report): readonly string[] =>
  findings.filter(({ level }) => level === "problem").map(({ check }) => check);
const component = (name: string, more: object = {}): KubeObject =>
  ({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace: "shop" },
    spec: { type: "state.redis", version: "v1" },
    ...more,
  }) as KubeObject;

describe("outrigger k8s status", () => {
  it("finds nothing wrong with a cluster that is well, and changes nothing in it", async () => {
    await healthyCluster(api);
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    api.put(component("redis"));
    const found = await report();
    expect(found).toMatchObject({ ok: true, code: 0, kubernetes: "v1.35.4" });
    expect(found.findings.filter(({ level }) => level !== "ok")).toEqual([]);
    const { code, out } = await run("status");
    expect(code).toBe(0);
    expect(out).toMatch(/No problems found\.\n$/);
    expect(out).toContain("ready on 2 of 2 nodes");
    expect(out).not.toContain("never shown");
    const writes = api.requests.filter(({ method }) => method !== "GET");
    expect(
      writes.every(
        ({ path, query }) => query.get("dryRun") === "All" || path.endsWith("subjectaccessreviews"),
      ),
    ).toBe(true);
  });

  const later = async (days: number): Promise<void> => {
    const authority = await testAuthority();
    const { certificate } = await authority.issue("x");
    webhook(api, "outrigger-injector", authority.certificate);
    put(api, "v1", "Secret", "outrigger-injector-cert", {
      data: { "tls.crt": Buffer.from(days === 0 ? "rubbish" : certificate).toString("base64") },
    });
  };
  it.each<readonly [string, string, () => unknown, RegExp]>([
    [
      "no runtime",
      "runtime.daemonset",
      () => api.remove("/apis/apps/v1/namespaces/outrigger-system/daemonsets/outrigger-node"),
      /no DaemonSet outrigger-node/,
    ],
    [
      "a runtime that is not on every node",
      "runtime.daemonset",
      () =>
        put(api, "apps/v1", "DaemonSet", "outrigger-node", {
          status: { desiredNumberScheduled: 2, numberReady: 1 },
        }),
      /ready on 1 of 2 nodes/,
    ],
    [
      "a runtime that crashes",
      "runtime.pod",
      () =>
        api.put(
          pod("outrigger-system", "outrigger-node-n2", {
            node: "n2",
            owner: { kind: "DaemonSet", name: "outrigger-node" },
            status: {
              phase: "Running",
              containerStatuses: [
                { restartCount: 7, state: { waiting: { reason: "CrashLoopBackOff" } } },
              ],
            },
          }),
        ),
      /outrigger-node-n2 on n2 is not ready: CrashLoopBackOff/,
    ],
    [
      "no ready injector",
      "injector.endpoints",
      () =>
        api.put({
          ...api.list("/apis/discovery.k8s.io/v1/endpointslices")[0],
          endpoints: [{ conditions: { ready: false } }],
        } as never),
      /no ready endpoint/,
    ],
    [
      "no webhook",
      "injector.webhook",
      () =>
        api.remove(
          "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/outrigger-injector",
        ),
      /annotated pods get nothing/,
    ],
    [
      "a webhook without caBundle",
      "injector.webhook",
      () => webhook(api, "outrigger-injector", ""),
      /no caBundle/,
    ],
    [
      "a caBundle of another authority",
      "injector.caBundle",
      async () => webhook(api, "outrigger-injector", (await testAuthority()).certificate),
      /every annotated pod is refused/,
    ],
    ["a certificate that is none", "injector.certificate", () => later(0), /holds no certificate/],
    [
      "an authority without roots",
      "ca.roots",
      () => put(api, "v1", "ConfigMap", "outrigger-trust-bundle", { data: {} }),
      /has no ca\.crt/,
    ],
    [
      "roots that are none",
      "ca.roots",
      () => put(api, "v1", "ConfigMap", "outrigger-trust-bundle", { data: { "ca.crt": "x" } }),
      /holds no certificate/,
    ],
    [
      "Dapr's own injector",
      "injector.dapr",
      () => webhook(api, "dapr-sidecar-injector", "x"),
      /both act on the same annotations/,
    ],
    [
      "pods that came past the injector",
      "apps.injected",
      () => api.put(appPod("shop", "old-0", { mode: "none" })),
      /1 annotated pod came past the injector.*shop\/old-0/,
    ],
    [
      "pods with a sidecar of Dapr's",
      "apps.dapr",
      () => api.put(appPod("shop", "old-0", { mode: "none", containers: ["main", "daprd"] })),
      /sidecar of Dapr's own injector: shop\/old-0/,
    ],
    [
      "a pod on a node without a runtime",
      "apps.node",
      () => api.put(appPod("shop", "cart-0", { node: "n3" })),
      /nodes without a ready runtime \(n3\): shop\/cart-0/,
    ],
    [
      "a component that has failed",
      "resources.components",
      () =>
        api.put(
          component("redis", {
            status: {
              nodes: [
                { node: "n1", ready: true },
                { node: "n2", ready: false, reason: "ComponentFailed", message: "no route" },
              ],
            },
          }),
        ),
      /shop\/redis \(state\.redis\) has failed on n2: no route/,
    ],
    [
      "a document that cannot be used",
      "resources.documents",
      () => api.put(component("redis", { spec: { type: "redis" } })),
      /Component\/shop\/redis: spec\.type is "redis"/,
    ],
    [
      "a conversion webhook that is away",
      "resources.conversion",
      () =>
        api.fail({
          path: "/apis/dapr.io/v1alpha1/subscriptions",
          status: 500,
          message: "conversion webhook for dapr.io/v2alpha1 failed",
        }),
      /cannot be read as v1alpha1/,
    ],
  ])("says what to do about %s", async (_, check, make, message) => {
    await healthyCluster(api);
    await make();
    const found = await report();
    expect(found).toMatchObject({ ok: false, code: 1 });
    expect(problems(found)).toContain(check);
    const finding = found.findings.find((each) => each.check === check && each.level === "problem");
    expect(finding?.message).toMatch(message);
    expect(finding?.todo).toMatch(/.+/);
  });

  it("says what is missing where the CRDs are", async () => {
    const found = await report();
    expect(problems(found)).toContain("resources.crds");
    serveKinds(api, { without: ["resiliencies"] });
    const more = await report();
    expect(more.findings.find(({ check }) => check === "resources.crds")?.message).toBe(
      "CRDs of dapr.io are missing: resiliencies",
    );
  });
  it("says that Dapr's own CRD keeps no status, which is not a problem", async () => {
    serveKinds(api, { status: false });
    await healthyCluster(api);
    const found = await report();
    expect(found.ok).toBe(true);
    expect(found.findings.some(({ message }) => message.includes("Dapr's own"))).toBe(true);
  });
  it.each([
    [50, "ok"],
    [58, "ends soon"],
    [90, "has expired"],
  ])("judges certificates %i minutes into their hour: %s", async (minutes, says) => {
    await healthyCluster(api);
    await using client = openClient(api.access());
    const { findings } = await inspectCluster(
      { client, signal: new AbortController().signal },
      { namespace: "outrigger-system", now: Date.now() + minutes * 60_000 },
    );
    for (const check of ["injector.certificate", "ca.roots"]) {
      const finding = findings.find((each) => each.check === check);
      if (says === "ok") expect(finding?.level).toBe("ok");
      else expect(finding?.message).toContain(says);
    }
  });
  it("takes a Deployment in place of the DaemonSet", async () => {
    await healthyCluster(api);
    api.remove("/apis/apps/v1/namespaces/outrigger-system/daemonsets/outrigger-node");
    put(api, "apps/v1", "Deployment", "outrigger-node", {
      spec: { replicas: 2 },
      status: { readyReplicas: 1 },
    });
    api.put(appPod("shop", "cart-0", { node: "n7" }));
    expect((await report()).ok).toBe(true);
  });
  it.each([
    [500, 'failed calling webhook "x": connection refused', "problem"],
    [403, "pods is forbidden", "unknown"],
  ])("tries the webhook, and makes of %s %s: %s", async (status, message, level) => {
    api.fail({ verb: "create", path: /\/pods$/, status, message, times: 2 });
    await healthyCluster(api);
    const found = await report();
    expect(found.findings.find(({ check }) => check === "injector.reachable")?.level).toBe(level);
  });
  it("sees that the webhook leaves a namespace out", async () => {
    api.fail({ verb: "create", path: /\/pods$/, text: '{"metadata": {}}' });
    await healthyCluster(api);
    expect(problems(await report())).toEqual(["injector.reachable"]);
  });
  it("asks whether the runtime may read each Secret that is referred to, and no other", async () => {
    await healthyCluster(api);
    api.fail({
      path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      text: "{}",
      times: 1,
    });
    const refers = (store?: string): object => ({
      spec: {
        type: "state.redis",
        metadata: [{ name: "redisPassword", secretKeyRef: { name: "redis", key: "p" } }],
      },
      ...(store === undefined ? {} : { auth: { secretStore: store } }),
    });
    api.put(component("redis", refers()));
    api.put(component("vaulted", refers("vault")));
    api.put(component("quiet", { metadata: { name: "quiet", namespace: "empty" }, ...refers() }));
    api.put(appPod("shop", "cart-0", { annotations: { "dapr.io/app-token-secret": "tok" } }));
    await report();
    const asked = api.requests
      .filter(({ path }) => path.endsWith("subjectaccessreviews"))
      .map(({ body }) => body as { spec: { user: string; resourceAttributes: object } });
    expect(asked.map(({ spec }) => spec.resourceAttributes)).toEqual([
      { namespace: "shop", name: "tok", verb: "get", version: "v1", resource: "secrets" },
      { namespace: "shop", name: "redis", verb: "get", version: "v1", resource: "secrets" },
    ]);
    expect(asked[0]?.spec.user).toBe("system:serviceaccount:outrigger-system:outrigger-node");
  });
  it("names Secrets that the runtime may not read", async () => {
    api.fail({ path: "/apis/authorization.k8s.io/v1/subjectaccessreviews", text: "{}" });
    await healthyCluster(api);
    api.put(appPod("shop", "cart-0", { annotations: { "dapr.io/app-token-secret": "tok" } }));
    const found = await report();
    expect(problems(found)).toEqual(["rights.secrets"]);
    expect(found.findings.at(-1)?.message).toContain("shop/tok");
    expect(found.findings.at(-1)?.todo).toContain("secrets.namespaces");
  });
  it("says what it could not check for want of rights, and goes on", async () => {
    await healthyCluster(api);
    api.isAllowed = ({ resource }) => resource === "daemonsets";
    const found = await report();
    expect(found.findings.some(({ level }) => level === "ok")).toBe(true);
    const notChecked = found.findings.filter(({ level }) => level === "unknown");
    expect(notChecked.length).toBeGreaterThan(4);
    expect(notChecked[0]?.message).toMatch(/^not checked: .*403/);
  });
  it("puts the text of a cluster on a terminal as text", async () => {
    await healthyCluster(api);
    api.put(
      component("redis", {
        status: { nodes: [{ node: "n1", ready: false, message: "\u001b[2J\nwiped\u202e" }] },
      }),
    );
    const { out } = await run("status");
    expect(out).toContain("?[2J wiped?");
    expect(out).not.toContain("\u001b");
  });
});

describe("outrigger k8s apps", () => {
  beforeEach(() => {
    api.put(pod("shop", "plain-0"));
    api.put(appPod("shop", "orders-1", { app: "orders", ready: false }));
    api.put(
      appPod("shop", "cart-0", {
        app: "cart",
        mode: "sidecar",
        annotations: { "outrigger.dev/isolation": "dedicated" },
      }),
    );
    api.put(appPod("bank", "unnamed-0", { mode: "none", node: "n2" }));
  });
  it("lists annotated pods", async () => {
    const { code, out } = await run("apps");
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "NAMESPACE   APP         POD         NODE   MODE      ISOLATION   READY   AGE",
        "bank        unnamed-0   unnamed-0   n2     none      default     yes     5h",
        "shop        cart        cart-0      n1     sidecar   dedicated   yes     5h",
        "shop        orders      orders-1    n1     shared    default     no      5h",
        "",
      ].join("\n"),
    );
  });
  it("gives JSON, of one namespace", async () => {
    const { out } = await run("apps", "-n", "bank", "-o", "json");
    expect(JSON.parse(out)).toMatchObject([{ appId: "unnamed-0", mode: "none", ready: true }]);
  });
  it("says so when there are none", async () => {
    const { code, out, err } = await run("apps", "--namespace=nowhere");
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("dapr.io/enabled");
  });
  it("reads a large cluster page by page", async () => {
    for (let i = 0; i < 1200; i++) api.put(appPod("many", `p-${i}`));
    const { out } = await run("apps", "-n", "many", "-o", "json");
    expect(JSON.parse(out)).toHaveLength(1200);
    expect(api.requests.filter(({ path }) => path.endsWith("/pods")).length).toBe(3);
  });
});

describe("outrigger k8s components", () => {
  it("lists what nodes say of them", async () => {
    serveKinds(api);
    api.put(
      component("redis", {
        scopes: ["cart", "orders"],
        status: {
          nodes: [
            { node: "n1", ready: true },
            { node: "n2", ready: false, reason: "ComponentFailed", message: "no route" },
          ],
        },
      }),
    );
    api.put(component("new", { spec: { type: "pubsub.redis" } }));
    api.put(component("odd", { spec: "x", scopes: "y", status: 1 }));
    const { code, out } = await run("components");
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "NAMESPACE   NAME    TYPE             SCOPES        READY   MESSAGE",
        "shop        new     pubsub.redis     all           -",
        "shop        odd                      all           -",
        "shop        redis   state.redis/v1   cart,orders   1/2     n2: no route",
        "",
      ].join("\n"),
    );
    const json = await run("components", "-o", "json");
    expect(JSON.parse(json.out)).toMatchObject([
      { name: "new" },
      { name: "odd", nodes: [] },
      { name: "redis", nodes: [{ node: "n1" }, { node: "n2", message: "no route" }] },
    ]);
  });
  it("fails where they may not be listed", async () => {
    api.isAllowed = () => false;
    const { code, err } = await run("components");
    expect(code).toBe(1);
    expect(err).toMatch(/Cannot list components: .*forbidden/);
  });
});

describe("outrigger k8s logs", () => {
  const line = (fields: object): string =>
    JSON.stringify({ time: "2026-01-02T03:04:05.678901000Z", level: "info", ...fields });
  const log = (path: string, ...lines: readonly string[]): (() => void) =>
    api.fail({ path, text: `${lines.join("\n")}\n`, times: Number.POSITIVE_INFINITY });
  const runtime = (node: string): void =>
    void api.put(
      pod("outrigger-system", `outrigger-node-${node}`, {
        node,
        owner: { kind: "DaemonSet", name: "outrigger-node" },
      }),
    );
  const logOf = (node: string): string =>
    `/api/v1/namespaces/outrigger-system/pods/outrigger-node-${node}/log`;

  it("shows the lines about an app, from the runtime of its node", async () => {
    runtime("n1");
    runtime("n2");
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    log(
      logOf("n1"),
      line({ msg: "mine", app_id: "cart", namespace: "shop", scope: "dapr.runtime", why: "x y" }),
      line({ msg: "no namespace", app_id: "cart", level: "warning" }),
      line({ msg: "of a namesake", app_id: "cart", namespace: "bank" }),
      line({ msg: "of another", app_id: "orders", namespace: "shop" }),
      line({ msg: "of nobody" }),
      'time="2026" level=info msg="as text" app_id=cart scope=x',
      'time="2026" level=info msg="app_id=cart of another" app_id=orders',
      "cart",
      "{cart",
      "null",
    );
    log(logOf("n2"), line({ msg: "of another node", app_id: "cart" }));
    const { code, out } = await run("logs", "cart");
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "2026-01-02T03:04:05.678Z info    mine  why=x y",
        "2026-01-02T03:04:05.678Z warning no namespace",
        'time="2026" level=info msg="as text" app_id=cart scope=x',
        "",
      ].join("\n"),
    );
    const request = api.requests.find(({ path }) => path === logOf("n1"));
    expect(Object.fromEntries(request?.query ?? [])).toMatchObject({
      tailLines: "5000",
      container: "outrigger",
    });
    const json = await run("logs", "cart", "-o", "json", "--tail", "10");
    expect(JSON.parse(json.out.split("\n")[0] as string)).toMatchObject({ msg: "mine" });
  });
  it("says of which node a line is where the app is on several, and reads sidecars too", async () => {
    runtime("n1");
    runtime("n2");
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    api.put(appPod("shop", "cart-1", { app: "cart", node: "n2" }));
    api.put(appPod("shop", "cart-2", { app: "cart", mode: "sidecar" }));
    log(logOf("n1"), line({ msg: "one", app_id: "cart" }));
    log(logOf("n2"), line({ msg: "two", app_id: "cart" }));
    log("/api/v1/namespaces/shop/pods/cart-2/log", line({ msg: "three", app_id: "cart" }));
    const { out } = await run("logs", "cart");
    const lines = out.trimEnd().split("\n").sort();
    expect(lines.map((each) => each.split(" ")[0])).toEqual(["cart-2", "n1", "n2"]);
    const sidecar = api.requests.find(({ path }) => path.endsWith("cart-2/log"));
    expect(sidecar?.query.get("container")).toBe("daprd");
  });
  it("asks for a namespace where several have such an app", async () => {
    runtime("n1");
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    api.put(appPod("bank", "cart-0", { app: "cart" }));
    const { code, err } = await run("logs", "cart");
    expect(code).toBe(1);
    expect(err).toContain("several namespaces (bank, shop)");
    log(logOf("n1"), line({ msg: "mine", app_id: "cart", namespace: "bank" }));
    expect((await run("logs", "cart", "-n", "bank")).out).toContain("mine");
  });
  it("cuts what has no end, and shows no control characters", async () => {
    runtime("n1");
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    log(
      logOf("n1"),
      line({ msg: "x".repeat(300_000), app_id: "cart" }),
      line({ msg: "a\u001b[2Jb", app_id: "cart" }),
    );
    const { out } = await run("logs", "cart");
    expect(out).toContain("a?[2Jb");
    expect(out.length).toBeLessThan(1000);
  });
  it("follows until it is interrupted", async () => {
    runtime("n1");
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    api.fail({ path: logOf("n1"), hang: true });
    const fake = fakeCli();
    const running = k8s(["logs", "cart", "-f", "--kubeconfig", kubeconfig()], fake.cli);
    await eventually(() => api.requests.some(({ query }) => query.get("follow") === "true"));
    fake.signal("SIGINT");
    expect(await running).toBe(0);
    expect(fake.listeners).toBe(0);
  });
  it("fails where there is no such app, or no runtime for it", async () => {
    expect(await run("logs", "nope")).toMatchObject({ code: 1 });
    api.put(appPod("shop", "cart-0", { app: "cart" }));
    const { code, err } = await run("logs", "cart");
    expect(code).toBe(1);
    expect(err).toContain("No runtime serves app cart in namespace shop");
  });
});

describe("outrigger k8s, arguments", () => {
  it.each([
    [[], "Specify a command: status, apps, components or logs"],
    [["stauts"], 'Unknown command "k8s stauts"; did you mean "status"?'],
    [["apps", "more"], '"k8s apps" takes no argument "more"'],
    [["apps", "--namspace", "x"], 'Unknown flag --namspace; did you mean "namespace"?'],
    [["apps", "-o", "yaml"], "one of text, json"],
    [["logs"], "Specify an app"],
    [["logs", "a", "b"], "takes only one app"],
    [["logs", "a", "--tail", "0"], "1 or more"],
    [["logs", "a", "--tail", "x"], "a whole number"],
  ])("refuses %j", async (args, why) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(why);
    expect(err).toContain("outrigger k8s --help");
  });
  it("explains itself", async () => {
    const { code, out } = await run("--help");
    expect(code).toBe(0);
    expect(out).toContain("--control-plane-namespace");
  });
  it("says which server does not answer", async () => {
    const path = kubeconfig();
    await api.stop();
    const fake = fakeCli();
    expect(await k8s(["status", "--kubeconfig", path], fake.cli)).toBe(1);
    expect(fake.err()).toContain(api.url);
    expect(fake.err()).not.toContain("Usage");
    await api.start();
  });
  it("says which kubeconfig cannot be read", async () => {
    const fake = fakeCli();
    expect(await k8s(["status", "--kubeconfig", "/no/such/file"], fake.cli)).toBe(1);
    expect(fake.err()).toContain("/no/such/file");
  });
  it.each(["../../secrets", "a/b", ".."])("does not take %s for a namespace", async (namespace) => {
    const { code, err } = await run("apps", "-n", namespace);
    expect(code).toBe(1);
    expect(err).toContain("the name of a namespace");
    expect(api.requests).toEqual([]);
  });
});
