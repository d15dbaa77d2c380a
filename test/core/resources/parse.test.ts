import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expandEnv, mergeConfigurations } from "#core/resources/configuration.ts";
import type { ResiliencyDocument } from "#core/resources/resiliency.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { problemText } from "#core/resources/read-document.ts";

const head = (kind: string, version = "v1alpha1"): string =>
  `apiVersion: dapr.io/${version}\nkind: ${kind}\nmetadata: {name: x}\n`;
const problems = (text: string): readonly string[] =>
  parseDocuments(text, "f.yaml").problems.map(problemText);
const only = (text: string): unknown => {
  const { documents, problems: found } = parseDocuments(text, "f.yaml");
  expect(found.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(documents).toHaveLength(1);
  return documents[0];
};

describe("parseDocuments", () => {
  it("reads a component with values, references and scopes", () => {
    const text = `${head("Component")}
spec:
  type: state.redis
  version: v1
  ignoreErrors: true
  initTimeout: 30s
  metadata:
  - {name: redisHost, value: "localhost:6379"}
  - {name: actorStateStore, value: true}
  - {name: redisDB, value: 5}
  - {name: redisPassword, secretKeyRef: {name: redis, key: password}}
  - {name: token, secretKeyRef: {name: plain}}
  - {name: host, envRef: HOST}
auth: {secretStore: vault}
scopes: [app1, app2]`;
    expect(only(text)).toEqual({
      kind: "Component",
      name: "x",
      namespace: "",
      scopes: ["app1", "app2"],
      origin: { file: "f.yaml", document: 1 },
      secretStore: "vault",
      spec: {
        type: "state.redis",
        version: "v1",
        ignoreErrors: true,
        initTimeoutMs: 30_000,
        metadata: [
          { name: "redisHost", value: "localhost:6379" },
          { name: "actorStateStore", value: "true" },
          { name: "redisDB", value: "5" },
          { name: "redisPassword", secretKeyRef: { name: "redis", key: "password" } },
          { name: "token", secretKeyRef: { name: "plain", key: "plain" } },
          { name: "host", envRef: "HOST" },
        ],
      },
    });
  });

  it("reads both versions of a subscription to one shape", () => {
    const old = `${head("Subscription")}spec: {pubsubname: ps, topic: t, route: /r, deadLetterTopic: d, bulkSubscribe: {enabled: true, maxMessagesCount: 3}}`;
    expect(only(old)).toMatchObject({
      pubsubname: "ps",
      topic: "t",
      routes: { rules: [], default: "/r" },
      deadLetterTopic: "d",
      bulkSubscribe: { enabled: true, maxMessagesCount: 3 },
      metadata: {},
    });
    const routed = `${head("Subscription", "v2alpha1")}spec:\n  pubsubname: ps\n  topic: t\n  metadata: {rawPayload: true}\n  routes:\n    rules: [{match: 'event.type == "a"', path: /a}]\n    default: /d`;
    expect(only(routed)).toMatchObject({
      routes: { rules: [{ match: 'event.type == "a"', path: "/a" }], default: "/d" },
      metadata: { rawPayload: "true" },
    });
  });

  it("reads resiliency policies with Dapr's defaults", () => {
    const text = `${head("Resiliency")}spec:
  policies:
    timeouts: {short: 500ms, number: 2000}
    retries: {again: {policy: exponential, maxRetries: 3, matching: {httpStatusCodes: "429,500-599"}}, plain: {}}
    circuitBreakers: {breaker: {trip: "consecutiveFailures > 2"}}
  targets:
    apps: {orders: {timeout: short, retry: again, circuitBreaker: breaker}}
    actors: {Cart: {circuitBreaker: breaker, circuitBreakerScope: both}}
    components: {store: {outbound: {retry: plain}}}`;
    const { policies, targets } = only(text) as ResiliencyDocument;
    expect([...policies.timeouts]).toEqual([
      ["short", 500],
      ["number", 2000],
    ]);
    expect(policies.retries.get("plain")).toEqual({
      policy: "constant",
      durationMs: 5000,
      maxIntervalMs: 60_000,
      maxRetries: -1,
    });
    expect(policies.circuitBreakers.get("breaker")).toEqual({
      maxRequests: 1,
      intervalMs: 0,
      timeoutMs: 60_000,
      trip: "consecutiveFailures > 2",
    });
    expect(targets.components.get("store")).toEqual({ inbound: {}, outbound: { retry: "plain" } });
  });

  it.each([
    ["kind: [", "f.yaml (document 1): cannot be read: "],
    ["just text", "f.yaml (document 1): is not a mapping"],
    [`${head("Component")}spec: {version: v1}`, "f.yaml (document 1): spec.type is missing"],
    [
      `${head("Component")}spec: {type: redis}`,
      'f.yaml (document 1): spec.type is "redis"; make it <category>.<name>',
    ],
    [
      `apiVersion: dapr.io/v1alpha1\nkind: Component\nspec: {type: a.b}`,
      "f.yaml (document 1): metadata.name is missing",
    ],
    [
      `${head("Component")}spec: {type: a.b, metadata: {redisHost: x}}`,
      "f.yaml (document 1): spec.metadata is a mapping; make it a list",
    ],
    [
      `${head("Component")}spec: {type: a.b, metadata: [{value: x}]}`,
      "f.yaml (document 1): spec.metadata[0].name is missing",
    ],
    [
      `${head("Component")}spec: {type: a.b, ignoreErrors: perhaps}`,
      'f.yaml (document 1): spec.ignoreErrors is "perhaps"; make it true or false',
    ],
    [
      `${head("Component")}spec: {type: a.b, metdata: []}`,
      'f.yaml (document 1): spec.metdata is unknown and has no effect; did you mean "metadata"?',
    ],
    [
      `${head("Component")}spec: {type: a.b}\nscope: [a]`,
      'f.yaml (document 1): scope is unknown and has no effect; did you mean "scopes"?',
    ],
    [
      `${head("Subscription", "v2alpha1")}spec: {pubsubname: p, topic: t}`,
      "f.yaml (document 1): spec.routes.default is missing",
    ],
    [
      `${head("HTTPEndpoint")}spec: {baseUrl: "ftp://x"}`,
      'f.yaml (document 1): spec.baseUrl is "ftp://x"',
    ],
    [
      `${head("Resiliency")}spec: {targets: {apps: {a: {retry: nope}}}}`,
      'f.yaml (document 1): spec.targets.apps.a.retry names policy "nope", which this document does not have',
    ],
    [
      `${head("Resiliency")}spec: {policies: {timeouts: {t: soon}}}`,
      'f.yaml (document 1): spec.policies.timeouts.t is "soon"',
    ],
    [
      `${head("Resiliency")}spec: {policies: {retries: {r: {matching: {httpStatusCodes: "500-400"}}}}}`,
      "f.yaml (document 1): spec.policies.retries.r.matching.httpStatusCodes has",
    ],
    [
      `${head("Configuration")}spec: {traicing: {}}`,
      'f.yaml (document 1): spec.traicing is unknown and has no effect; did you mean "tracing"?',
    ],
    [
      `${head("Nonsense")}spec: {}`,
      'f.yaml (document 1): kind is "Nonsense", which is not a kind of dapr.io',
    ],
    [
      `${head("component")}spec: {type: a.b}`,
      'f.yaml (document 1): kind is "component", which is not a kind of dapr.io; did you mean "Component"?',
    ],
    [
      `${head("MCPServer")}spec: {}`,
      'f.yaml (document 1): kind is "MCPServer", which Outrigger does not have yet: it has no effect',
    ],
    [
      "kind: Component\nmetadata: {name: x}\nspec: {type: a.b}",
      "f.yaml (document 1): apiVersion is missing; make it dapr.io/v1alpha1",
    ],
    [
      "apiVersion: dapr/v1alpha1\nkind: Component\nmetadata: {name: x}\nspec: {type: a.b}",
      'f.yaml (document 1): apiVersion is "dapr/v1alpha1"; make it dapr.io/v1alpha1',
    ],
    [
      `${head("Component")}spec: {type: a.b, Type: c.d}`,
      'f.yaml (document 1): spec.Type has no effect: "type" counts',
    ],
    [
      `${head("Component", "v9")}spec: {type: a.b}`,
      'f.yaml (document 1): apiVersion is "dapr.io/v9"',
    ],
  ])("says of %j where and what is wrong", (text, wanted) => {
    expect(problems(text).filter((line) => line.startsWith(wanted))).toHaveLength(1);
  });

  it("keeps the good documents of a file with a bad one, and counts them", () => {
    const text = `${head("Component")}spec: {type: a.b}\n---\n: [\n---\n${head("Component").replace("name: x", "name: z")}spec: {type: c.d}`;
    const { documents, problems: found } = parseDocuments(text, "f.yaml");
    expect(documents.map(({ name }) => name)).toEqual(["x", "z"]);
    expect(found.map(({ document }) => document)).toEqual([2]);
  });
  it.each(["---\n", "# licence\n---\n", "\uFEFF---\n"])("counts from 1 after %j", (start) => {
    expect(problems(`${start}${head("Component")}spec: {}`)).toEqual([
      "f.yaml (document 1): spec.type is missing",
    ]);
  });
  it("names the line of the file, not of the document", () => {
    const text = `${head("Component")}spec: {type: a.b}\n---\n${head("Component")}spec:\n  type: a.b\n bad`;
    expect(problems(text)[0]).toContain("(document 2): cannot be read: ");
    expect(problems(text)[0]).toContain("at line 11, column 1");
  });
  it.each([
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}",
    "apiVersion: messaging.knative.dev/v1\nkind: Subscription\nmetadata: {name: x}",
    "services: {web: {image: nginx}}",
  ])("passes over what is not Dapr's, such as %j", (text) => {
    expect(parseDocuments(text, "f")).toEqual({ documents: [], problems: [] });
  });
  it("takes names in any case, as Go's decoder does", () => {
    const text =
      "APIVERSION: dapr.io/v1alpha1\nKind: HTTPEndpoint\nMetadata: {Name: x}\nSpec: {baseURL: http://h, Headers: [{NAME: a, Value: b}]}\nSCOPES: [app]";
    expect(only(text)).toMatchObject({
      name: "x",
      scopes: ["app"],
      spec: { baseUrl: "http://h", headers: [{ name: "a", value: "b" }] },
    });
    expect(problems(text)).toEqual([]);
  });
  it("takes the last of a repeated key, with a warning", () => {
    const text = `${head("Component")}spec: {type: a.b}\nspec: {type: c.d}`;
    expect(only(text)).toMatchObject({ spec: { type: "c.d" } });
    expect(problems(text)).toEqual([
      'f.yaml (document 1): key "spec" is repeated at line 5, column 1; the last one is used',
    ]);
  });
  it("reads the items of a List, each with its own faults", () => {
    const text = `apiVersion: v1
kind: List
items:
- {apiVersion: dapr.io/v1alpha1, kind: Component, metadata: {name: a, uid: u}, spec: {type: a.b}, status: {}}
- {apiVersion: dapr.io/v1alpha1, kind: Component, metadata: {name: b}, spec: {}}
- {apiVersion: v1, kind: Pod}
- {apiVersion: dapr.io/v2alpha1, kind: Subscription, metadata: {name: c}, spec: {pubsubname: p, topic: t, routes: {default: /}}}`;
    const { documents } = parseDocuments(text, "f.yaml");
    expect(documents.map(({ name }) => name)).toEqual(["a", "c"]);
    expect(problems(text)).toEqual(["f.yaml (document 1): items[1].spec.type is missing"]);
  });
  it("reads a list of one kind, whose items leave the kind out", () => {
    const text =
      "apiVersion: dapr.io/v1alpha1\nkind: ComponentList\nitems: [{metadata: {name: a}, spec: {type: a.b}}]";
    expect(only(text)).toMatchObject({ kind: "Component", name: "a" });
  });
  it("reads JSON as well as YAML", () => {
    expect(
      only(
        JSON.stringify({
          apiVersion: "dapr.io/v1alpha1",
          kind: "Component",
          metadata: { name: "x" },
          spec: { type: "a.b" },
        }),
      ),
    ).toMatchObject({ name: "x" });
  });

  it.each([
    [
      "an alias bomb",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from(
        { length: 9 },
        (_, i) =>
          `${String.fromCharCode(98 + i)}: &${String.fromCharCode(98 + i)} [${Array(9)
            .fill(`*${String.fromCharCode(97 + i)}`)
            .join(",")}]`,
      ).join("\n")}`,
    ],
    ["a document of too many tokens", `a: [${"x,".repeat(200_000)}]`],
    ["a cycle", `${head("Component")}spec: &s\n  type: a.b\n  self: *s`],
    ["deep nesting", `${"[".repeat(3000)}${"]".repeat(3000)}`],
  ])("refuses %s", (_, text) => {
    expect(problems(text)[0]).toContain("cannot be read");
  });
  it("merges a mapping that <<: names, as Dapr does", () => {
    const text = `${head("Component")}spec:\n  <<: &base {type: a.b, version: v1}\n  version: v2`;
    expect(only(text)).toMatchObject({ spec: { type: "a.b", version: "v2" } });
  });
  it("keeps every digit of a long whole number", () => {
    const text = `${head("Component")}spec: {type: a.b, metadata: [{name: id, value: 12345678901234567890}]}`;
    expect(only(text)).toMatchObject({
      spec: { metadata: [{ name: "id", value: "12345678901234567890" }] },
    });
  });
  it("takes a value beside references that Dapr exports empty", () => {
    const text = `${head("Component")}spec: {type: a.b, metadata: [{name: a, value: v, secretKeyRef: {name: "", key: ""}, envRef: E}]}`;
    expect(only(text)).toMatchObject({ spec: { metadata: [{ name: "a", value: "v" }] } });
  });
  it.each(["yes", "on", "True", '"true"'])("reads the boolean %s as YAML 1.1 does", (word) => {
    const text = `${head("Component")}spec: {type: a.b, ignoreErrors: ${word}}`;
    expect(only(text)).toMatchObject({ spec: { ignoreErrors: true } });
  });
  it("refuses a name that cannot stand in a path", () => {
    expect(
      problems(`${head("Component").replace("name: x", "name: a/b")}spec: {type: a.b}`),
    ).toEqual(['f.yaml (document 1): metadata.name is "a/b"; leave out "/" and "%"']);
  });
  it.each([
    [
      "a Subscription without a route",
      `${head("Subscription")}spec: {pubsubname: p, topic: t}`,
      { routes: { rules: [] } },
    ],
    [
      "a Subscription without a name",
      `apiVersion: dapr.io/v1alpha1\nkind: Subscription\nspec: {pubsubname: p, topic: t, route: /r}`,
      { name: "", topic: "t" },
    ],
    [
      "a Resiliency without a name",
      "apiVersion: dapr.io/v1alpha1\nkind: Resiliency\nspec: {}",
      { name: "" },
    ],
    [
      "a component's setting without a name, which it passes over",
      `${head("Component")}spec: {type: a.b, metadata: [{value: x}, {name: c, value: d, secretKeyRef: {key: k}}]}`,
      { spec: { metadata: [{ name: "c", value: "d" }] } },
    ],
    [
      "an HTTPEndpoint with an empty certificate",
      `${head("HTTPEndpoint")}spec: {baseUrl: "https://h", clientTLS: {rootCA: {}}}`,
      { spec: { clientTls: [] } },
    ],
  ])("takes %s, as Dapr does", (_, text, wanted) => {
    expect(only(text)).toMatchObject(wanted);
  });
  it("keeps a resiliency whose target names a policy of another document", () => {
    const text = `${head("Resiliency")}spec: {targets: {apps: {a: {retry: elsewhere}}}}`;
    expect(only(text)).toMatchObject({ name: "x" });
  });
  it("names the first hundred faults of a file and counts the rest", () => {
    const text = Array.from({ length: 1000 }, () => `${head("Component")}spec: {}`).join("\n---\n");
    const found = problems(text);
    expect(found).toHaveLength(101);
    expect(found.at(-1)).toBe("f.yaml (document 101): and what follows have 900 more faults");
  });
  it("refuses a text above 4 MiB", () => {
    expect(problems("#".repeat(4 * 1024 * 1024 + 1))[0]).toContain("the limit is 4194304");
  });
  it("never throws, whatever it is given", () => {
    const yamlish = fc
      .array(
        fc.constantFrom(
          "a: b",
          "- x",
          "---",
          "&a",
          "*a",
          "[",
          "{",
          "}",
          "|",
          ": ",
          "\n",
          "  ",
          "!!js",
          "apiVersion: dapr.io/v1alpha1",
          "kind: Component",
          "spec:",
          "metadata: {name: x}",
        ),
      )
      .map((parts) => parts.join("\n"));
    fc.assert(
      fc.property(fc.oneof(fc.string(), yamlish), (text) => void parseDocuments(text, "f")),
      { numRuns: 500 },
    );
  });
});

describe("Configuration", () => {
  const read = (spec: string): never => only(`${head("Configuration")}spec: ${spec}`) as never;
  it("has Dapr's defaults", () => {
    expect(mergeConfigurations([])).toMatchObject({
      tracing: { samplingRate: 1e-4 },
      secrets: { scopes: [] },
      components: { deny: [] },
    });
  });
  it("merges documents: later scalars and lists replace, mappings merge", () => {
    const merged = mergeConfigurations([
      read(
        '{tracing: {samplingRate: "1"}, secrets: {scopes: [{storeName: a, defaultAccess: deny}]}, components: {deny: [state.x]}}',
      ),
      read("{tracing: {stdout: true}, secrets: {scopes: [{storeName: b, deniedSecrets: [s]}]}}"),
    ]);
    expect(merged.tracing.samplingRate).toBe(1);
    expect(merged.secrets.scopes).toEqual([
      { storeName: "b", defaultAccess: "allow", allowedSecrets: [], deniedSecrets: ["s"] },
    ]);
    expect(merged.components.deny).toEqual(["state.x"]);
  });
  it.each([
    ["0", 0],
    ["1", 1],
    ["0.5", 0.5],
    ["nonsense", 1e-4],
    ["", 1e-4],
    ["7", 1],
  ])("reads samplingRate %j as %d", (text, wanted) => {
    expect(
      mergeConfigurations([read(`{tracing: {samplingRate: "${text}"}}`)]).tracing.samplingRate,
    ).toBe(wanted);
  });
  it("has the features that are on by default, and those that it names", () => {
    const of = (list: string): object =>
      Object.fromEntries(mergeConfigurations([read(`{features: ${list}}`)]).features);
    const defaults = { HotReload: true, WorkflowsRemoteActivityReminder: true };
    expect(of("[]")).toEqual(defaults);
    expect(of("[{name: HotReload, enabled: false}, {name: New, enabled: true}]")).toEqual({
      ...defaults,
      HotReload: false,
      New: true,
    });
    expect(of('[{name: "", enabled: true}, {name: New}]')).toEqual({ ...defaults, New: false });
  });
  it("refuses two scopes for one secret store", () => {
    const text = `${head("Configuration")}spec: {secrets: {scopes: [{storeName: a, defaultAccess: deny}, {storeName: a}]}}`;
    expect(parseDocuments(text, "f.yaml").documents).toEqual([]);
    expect(problems(text)).toEqual([
      'f.yaml (document 1): spec.secrets.scopes[1].storeName repeats "a"; give each store one scope',
    ]);
  });
  it.each([
    ["a$ b", "a$ b"],
    ["$1x", "x"],
    ["$$", ""],
    ["${A", "A"],
    ["${}", ""],
    ['"^x$"', '"^x$"'],
  ])("expands %j to %j, as Go does", (text, wanted) => {
    expect(expandEnv(text, { A: "1" })).toBe(wanted);
  });
  it("puts the environment in; what is unset becomes empty", () => {
    expect(expandEnv("a: $A-${B}-${C}-$toString", { A: "1", B: "2" })).toBe("a: 1-2--");
  });
});
