import { createHash } from "node:crypto";
import { GrpcEndpoint } from "@dapr/dapr/network/GrpcEndpoint.js";
import { HttpEndpoint } from "@dapr/dapr/network/HttpEndpoint.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Container, EnvVar, Pod } from "#k8s/api/objects.ts";
import { readSettings } from "#k8s/pods/annotations.ts";
import { inject, reviewDeps } from "#test/support/injector.ts";
import { annotated, manyPods, pod } from "#test/support/pods.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const envOf = (of: Pod, container = 0): readonly EnvVar[] =>
  of.spec?.containers?.[container]?.env ?? [];
const valueOf = (env: readonly EnvVar[], name: string): string | undefined =>
  env.find((each) => each.name === name)?.value;
const allContainers = ({ spec }: Pod): readonly Container[] => [
  ...(spec?.initContainers ?? []),
  ...(spec?.containers ?? []),
];

/** What the kubelet makes of it: references to what stands before, downward fields filled in. */
function environment(env: readonly EnvVar[]): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const path = (valueFrom as { fieldRef?: { fieldPath: string } } | undefined)?.fieldRef
      ?.fieldPath;
    if (path !== undefined) values[name] = path === "status.hostIP" ? "10.1.2.3" : `<${path}>`;
    else
      values[name] = (value ?? "").replace(/\$\((\w+)\)/g, (all, to: string) => values[to] ?? all);
  }
  return values;
}

describe("a pod in shared mode", () => {
  it("gets environment, a token and a service-account token, and no container", () => {
    const { pod: injected, reviewed } = inject(pod({}, { "dapr.io/app-port": "8080" }));
    const token = valueOf(envOf(injected), "DAPR_API_TOKEN") as string;
    expect(environment(envOf(injected))).toEqual({
      OUTRIGGER_HOST_IP: "10.1.2.3",
      DAPR_HTTP_ENDPOINT: "http://10.1.2.3:3500",
      DAPR_GRPC_ENDPOINT: "http://10.1.2.3:50001",
      DAPR_HTTP_PORT: "3500",
      DAPR_GRPC_PORT: "50001",
      DAPR_API_TOKEN: token,
      APP_ID: "web",
      APP_PORT: "8080",
      APP_PROTOCOL: "http",
      NAMESPACE: "<metadata.namespace>",
      POD_NAME: "<metadata.name>",
      OUTRIGGER_TOKEN_FILE: "/var/run/secrets/outrigger.dev/token/token",
    });
    expect(Buffer.from(token, "base64url").length).toBe(36);
    expect(injected.metadata.labels).toEqual({
      "dapr.io/app-id": "web",
      "dapr.io/sidecar-injected": "true",
      "dapr.io/metrics-enabled": "true",
      "outrigger.dev/app-id": "web",
    });
    expect(injected.metadata.annotations).toEqual({
      ...annotated,
      "dapr.io/app-port": "8080",
      "outrigger.dev/injected": "shared",
      "outrigger.dev/token-sha256": sha256(token),
    });
    expect(injected.spec?.volumes).toEqual([
      {
        name: "outrigger-token",
        projected: {
          sources: [
            {
              serviceAccountToken: {
                audience: "outrigger",
                expirationSeconds: 3600,
                path: "token",
              },
            },
          ],
        },
      },
    ]);
    expect(injected.spec?.containers?.[0]?.volumeMounts).toEqual([
      {
        name: "outrigger-token",
        mountPath: "/var/run/secrets/outrigger.dev/token",
        readOnly: true,
      },
    ]);
    expect(reviewed).toMatchObject({ outcome: "injected", appId: "web", pod: "shop/web" });
    expect(reviewed.body.response.warnings).toBeUndefined();
  });

  it("is found by the official SDK", () => {
    const env = environment(envOf(inject(pod()).pod));
    expect(new HttpEndpoint(env["DAPR_HTTP_ENDPOINT"] as string).endpoint).toBe(
      "http://10.1.2.3:3500",
    );
    const grpc = new GrpcEndpoint(env["DAPR_GRPC_ENDPOINT"] as string);
    expect({ endpoint: grpc.endpoint, tls: grpc.tls }).toEqual({
      endpoint: "dns:10.1.2.3:50001",
      tls: false,
    });
  });

  it("writes an address of IPv6 as URLs have it", () => {
    const { pod: injected } = inject(pod(), reviewDeps({ hostIpFamily: "IPv6" }));
    expect(valueOf(envOf(injected), "DAPR_HTTP_ENDPOINT")).toBe(
      "http://[$(OUTRIGGER_HOST_IP)]:3500",
    );
  });

  it("calls a Service where one is given", () => {
    const deps = reviewDeps({ endpoint: "http://outrigger.shop:3500" });
    expect(environment(envOf(inject(pod(), deps).pod))).toMatchObject({
      DAPR_HTTP_ENDPOINT: "http://outrigger.shop:3500",
      DAPR_GRPC_ENDPOINT: "http://outrigger.shop:50001",
      DAPR_HTTP_PORT: "3500",
      DAPR_GRPC_PORT: "50001",
    });
    const two = { endpoint: "https://dapr.example", grpcEndpoint: "https://grpc.example:8443" };
    expect(environment(envOf(inject(pod(), reviewDeps(two)).pod))).toMatchObject({
      DAPR_HTTP_ENDPOINT: "https://dapr.example",
      DAPR_GRPC_ENDPOINT: "https://grpc.example:8443",
      DAPR_HTTP_PORT: "443",
      DAPR_GRPC_PORT: "8443",
    });
  });

  it("keeps what a container sets itself, but for the token", () => {
    const own = manyPods["with its own environment"] as Pod;
    const { pod: injected, reviewed } = inject(own);
    const env = envOf(injected);
    expect(env.filter(({ name }) => name === "DAPR_HTTP_ENDPOINT")).toEqual([
      { name: "DAPR_HTTP_ENDPOINT", value: "http://elsewhere:1" },
    ]);
    expect(env.slice(-4)).toEqual(envOf(own));
    expect(valueOf(env, "APP_ID")).toBe("mine");
    expect(reviewed.body.response.warnings).toEqual([
      'container "app": it keeps its own DAPR_HTTP_ENDPOINT',
      'container "app": its envFrom may set APP_PROTOCOL, POD_NAME: the injector\'s are left out',
    ]);
    const token = inject(manyPods["with its own token"] as Pod);
    const tokens = envOf(token.pod).filter(({ name }) => name === "DAPR_API_TOKEN");
    expect(tokens.map(({ value }) => value?.length)).toEqual([48]);
    expect(environment(envOf(token.pod))["B"]).toBe(tokens[0]?.value);
    expect(token.reviewed.body.response.warnings).toEqual([
      'container "app": its own DAPR_API_TOKEN is replaced by the pod\'s token',
    ]);
  });

  it("leaves generic names to a container's envFrom, and says so", () => {
    const envFrom = [{ configMapRef: { name: "settings" } }];
    const of = pod(
      {
        containers: [
          { name: "a", envFrom },
          { name: "b", envFrom, env: [{ name: "WHO", value: "$(APP_ID)@$(NAMESPACE)" }] },
          { name: "c", envFrom: [] },
        ],
        initContainers: [{ name: "setup", envFrom }],
      },
      { "dapr.io/app-port": "8080" },
    );
    const { pod: injected, reviewed } = inject(of);
    const generic = (container: Container | undefined): readonly string[] =>
      (container?.env ?? []).map(({ name }) => name).filter((name) => !/^(?:DAPR|OUTR)/.test(name));
    const [a, b, c] = injected.spec?.containers ?? [];
    const all = ["APP_ID", "APP_PORT", "APP_PROTOCOL", "NAMESPACE", "POD_NAME"];
    expect(generic(a)).toEqual([]);
    expect(generic(injected.spec?.initContainers?.[0])).toEqual([]);
    // A reference does not find what is of envFrom: it can only mean ours.
    expect(generic(b)).toEqual(["APP_ID", "NAMESPACE", "WHO"]);
    expect(generic(c)).toEqual(all);
    expect(environment(a?.env ?? [])).toMatchObject({
      DAPR_HTTP_ENDPOINT: "http://10.1.2.3:3500",
      DAPR_GRPC_PORT: "50001",
      DAPR_API_TOKEN: expect.any(String),
      OUTRIGGER_TOKEN_FILE: expect.any(String),
    });
    const left = (names: string): string =>
      `its envFrom may set ${names}: the injector's are left out`;
    expect(reviewed.body.response.warnings).toEqual([
      `container "setup": ${left(all.join(", "))}`,
      `container "a": ${left(all.join(", "))}`,
      `container "b": ${left("APP_PORT, APP_PROTOCOL, POD_NAME")}`,
    ]);
    expect(inject(injected).patch).toEqual([]);
  });

  it("puts what needs the host's address after an address that is there", () => {
    const env = envOf(inject(manyPods["with its own host address"] as Pod).pod);
    expect(environment(env)).toMatchObject({
      OUTRIGGER_HOST_IP: "10.0.0.9",
      DAPR_HTTP_ENDPOINT: "http://10.0.0.9:3500",
    });
  });

  it("writes down the app id that it found", () => {
    const { pod: injected } = inject(manyPods["of a CronJob"] as Pod);
    expect(injected.metadata.annotations?.["dapr.io/app-id"]).toBe("report");
    const later = { ...injected.metadata, name: "report-29384756-abcde" };
    expect(readSettings(later).settings?.appId).toBe("report");
  });

  it("replaces a token that the pod's author made up", () => {
    const forged = manyPods["with a forged token"] as Pod;
    const { pod: injected } = inject(forged);
    const token = valueOf(envOf(injected), "DAPR_API_TOKEN") as string;
    expect(token).not.toBe("abc");
    expect(injected.metadata.annotations?.["outrigger.dev/token-sha256"]).toBe(sha256(token));
  });

  it("gives each pod a token of its own", () => {
    const deps = reviewDeps();
    const tokens = [1, 2, 3].map(() => valueOf(envOf(inject(pod(), deps).pod), "DAPR_API_TOKEN"));
    expect(new Set(tokens).size).toBe(3);
  });
});

describe.each(Object.entries(manyPods))("a pod %s", (_name, of) => {
  it("is patched once: a second look finds nothing to do", () => {
    const deps = reviewDeps();
    const first = inject(of, deps);
    expect(first.reviewed.body.response.status).toBeUndefined();
    expect(first.patch).not.toEqual([]);
    const second = inject(first.pod, deps);
    expect(second.patch).toEqual([]);
    expect(second.reviewed.body.response).not.toHaveProperty("patch");
  });

  it("has everything in every container, in an order that resolves", () => {
    const { pod: injected } = inject(of);
    for (const container of allContainers(injected)) {
      const env = environment(container.env ?? []);
      for (const name of [
        "DAPR_HTTP_ENDPOINT",
        "DAPR_GRPC_ENDPOINT",
        "DAPR_API_TOKEN",
        "APP_ID",
        ...("envFrom" in container ? [] : ["POD_NAME"]),
      ])
        expect(env, `${container.name} ${name}`).toHaveProperty(name);
      expect(env["DAPR_GRPC_ENDPOINT"]).not.toContain("$(");
      expect(container.volumeMounts?.map(({ mountPath }) => mountPath)).toContain(
        "/var/run/secrets/outrigger.dev/token",
      );
    }
  });

  it("keeps all else as it was", () => {
    const { pod: injected } = inject(of);
    for (const [i, before] of allContainers(of).entries()) {
      const { env = [], volumeMounts = [], ...rest } = before;
      const after = allContainers(injected)[i] as Container;
      expect(after).toMatchObject(rest);
      expect(after.env).toEqual(
        expect.arrayContaining(env.filter(({ name }) => name !== "DAPR_API_TOKEN")),
      );
      expect(after.volumeMounts).toEqual(expect.arrayContaining([...volumeMounts]));
    }
  });

  it("is injected, in sidecar mode too where it can be", () => {
    const sidecar: Pod = {
      ...of,
      metadata: {
        ...of.metadata,
        annotations: { ...of.metadata.annotations, "outrigger.dev/mode": "sidecar" },
      },
    };
    const first = inject(sidecar);
    if (first.reviewed.outcome === "refused") {
      expect(first.reviewed.reason).toBe("outrigger.dev/mode");
      return;
    }
    expect(first.pod.spec?.initContainers?.at(-1)).toMatchObject({
      name: "daprd",
      restartPolicy: "Always",
    });
    expect(inject(first.pod).patch).toEqual([]);
  });

  it("is left alone without the annotation, byte for byte", () => {
    const bare: Pod = {
      ...of,
      metadata: { ...of.metadata, annotations: { note: "dapr.io/enabled" } },
    };
    const { patch, reviewed } = inject(bare);
    expect(patch).toEqual([]);
    expect(reviewed.body.response).toEqual({ uid: expect.any(String), allowed: true });
  });
});

describe("a second look at a pod", () => {
  const first = inject(pod({ initContainers: [{ name: "setup" }] }));
  const token = valueOf(envOf(first.pod), "DAPR_API_TOKEN");

  it("gives what another webhook has added since the same token", () => {
    const more: Pod = {
      ...first.pod,
      spec: {
        ...first.pod.spec,
        containers: [{ name: "mesh" }, ...(first.pod.spec?.containers ?? [])],
      },
    };
    const { pod: again, patch } = inject(more);
    expect(envOf(again, 0)).toEqual(envOf(again, 1));
    expect(valueOf(envOf(again, 0), "DAPR_API_TOKEN")).toBe(token);
    expect(patch.map(({ path }) => path)).toEqual([
      "/spec/containers/0/env",
      "/spec/containers/0/volumeMounts",
    ]);
  });

  it("knows its own work after the server has added defaults", () => {
    const defaulted = JSON.parse(JSON.stringify(first.pod)) as {
      spec: { volumes: Array<{ projected?: { defaultMode?: number } }> };
    };
    for (const { projected } of defaulted.spec.volumes) if (projected) projected.defaultMode = 420;
    expect(inject(defaulted as unknown as Pod).patch).toEqual([]);
  });

  it("gives a copy of a pod a token of its own", () => {
    const later = Date.UTC(2026, 0, 1) + 121_000;
    const { pod: copy } = inject(first.pod, reviewDeps({ now: () => later }));
    // The double of randomness begins anew: the time alone tells the two apart.
    expect(valueOf(envOf(copy), "DAPR_API_TOKEN")).not.toBe(token);
    const tokens = allContainers(copy).map(({ env = [] }) => valueOf(env, "DAPR_API_TOKEN"));
    expect(new Set(tokens).size).toBe(1);
  });

  it("bears a clock that is a little behind", () => {
    const before = Date.UTC(2026, 0, 1) - 60_000;
    expect(inject(first.pod, reviewDeps({ now: () => before })).patch).toEqual([]);
  });
});

describe("any pod", () => {
  const name = fc.constantFrom(
    "A",
    "B",
    "DAPR_HTTP_ENDPOINT",
    "DAPR_API_TOKEN",
    "OUTRIGGER_HOST_IP",
    "APP_ID",
  );
  const env = fc.array(
    fc.record(
      { name, value: fc.option(fc.string(), { nil: undefined }) },
      { requiredKeys: ["name"] },
    ),
    { maxLength: 6 },
  );
  const container = fc.record(
    {
      name: fc.constantFrom("a", "b", "c"),
      env: fc.option(env, { nil: undefined }),
      envFrom: fc.array(fc.constant({ configMapRef: { name: "c" } }), { maxLength: 1 }),
    },
    { requiredKeys: ["name"] },
  );
  const spec = fc.record(
    {
      containers: fc.array(container, { maxLength: 4 }),
      initContainers: fc.array(container, { maxLength: 3 }),
      hostNetwork: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  it("needs one patch, whatever it has", () => {
    fc.assert(
      fc.property(spec, fc.constantFrom("shared", "sidecar"), (of, mode) => {
        const made = JSON.parse(JSON.stringify(pod(of, { "outrigger.dev/mode": mode }))) as Pod;
        const deps = reviewDeps();
        const first = inject(made, deps);
        expect(inject(first.pod, deps).patch).toEqual([]);
        if (first.reviewed.outcome !== "injected" || mode !== "shared") return;
        for (const { env: of = [] } of allContainers(first.pod)) {
          expect(of.filter(({ name: each }) => each === "DAPR_API_TOKEN").length).toBe(1);
          expect(environment(of)["DAPR_GRPC_ENDPOINT"]).not.toContain("$(OUTRIGGER");
        }
      }),
    );
  });
});

it.each([{ spec: undefined }, { spec: {} }, { spec: { containers: [] } }])(
  "leaves a pod without containers to the server: %j",
  ({ spec }) => {
    expect(inject({ ...pod(), spec } as unknown as Pod).patch).toEqual([]);
  },
);
