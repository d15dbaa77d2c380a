import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createAccessControl } from "#core/access-control/access-control.ts";
import { expandEnv, mergeConfigurations } from "#core/resources/configuration.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { createResiliency } from "#core/resiliency/policies.ts";
import { compileRoutes } from "#core/blocks/pubsub/routes.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { promise, target, type FuzzTarget, texts } from "../target.ts";

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const folder = join(import.meta.dirname, "../../conformance/recorded/resources");
const files = (() => {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => readFileSync(join(folder, name), "utf8"));
  } catch {
    return [];
  }
})();
const head = (kind: string): string =>
  `apiVersion: dapr.io/v1alpha1\nkind: ${kind}\nmetadata:\n  name: a\n  annotations: {"outrigger.dev/max-concurrent-calls": "5"}\n`;
const accessControl = `${head("Configuration")}spec:\n  accessControl:\n    defaultAction: deny\n    trustDomain: public\n    policies:\n    - appId: app1\n      defaultAction: deny\n      trustDomain: public\n      namespace: default\n      operations:\n      - {name: /op1/*, httpVerb: [POST, "*"], action: allow}\n  tracing: {samplingRate: "1"}\n  metric: {http: {pathMatching: ["/a/{b}"]}, rules: [{name: m, labels: [{name: l, regex: {x: "a.*"}}]}]}\n`;
const resiliency = `${head("Resiliency")}spec:\n  policies:\n    timeouts: {t: 5s}\n    retries: {r: {policy: exponential, maxInterval: 1m, maxRetries: 3, matching: {httpStatusCodes: "429,500-599"}}}\n    circuitBreakers: {c: {trip: "consecutiveFailures > 5 && requests < 100", interval: 8s}}\n  targets:\n    apps: {x: {retry: r, timeout: t, circuitBreaker: c}}\n    actors: {y: {circuitBreaker: c, circuitBreakerScope: id}}\n    components: {z: {inbound: {retry: r}, outbound: {timeout: t}}}\n`;
const corpus = [
  ...files,
  accessControl,
  resiliency,
  `${head("Component")}spec:\n  type: state.redis\n  version: v1\n  metadata:\n  - {name: a, value: 1}\n  - {name: b, secretKeyRef: {name: c, key: d}}\nscopes: [x]\n`,
  `apiVersion: dapr.io/v2alpha1\nkind: Subscription\nmetadata: {name: s}\nspec:\n  topic: t\n  pubsubname: p\n  routes: {rules: [{match: 'event.type == "x"', path: /y}], default: /z}\n---\n${head("HTTPEndpoint")}spec: {baseUrl: "http://h", clientTLS: {rootCA: {value: x}}}\n`,
  "a: &a [1, 2]\nb: *a\nc: {<<: *a}\n",
];

export const documentTargets: readonly FuzzTarget[] = [
  target({
    name: "resources",
    inputs: texts(...corpus),
    run: (text) => {
      const { documents, problems } = parseDocuments(text, "f.yaml");
      for (const { message } of problems)
        promise(typeof message === "string", "a problem has a text");
      const configurations = documents.filter((document) => document.kind === "Configuration");
      if (configurations.length > 0) mergeConfigurations(configurations);
    },
  }),
  target({
    name: "access-control",
    inputs: texts(accessControl),
    run: (text) => {
      const configurations = parseDocuments(text, "f.yaml").documents.filter(
        (document) => document.kind === "Configuration",
      );
      const { accessControl: spec } = mergeConfigurations(configurations);
      if (!spec) return;
      const control = createAccessControl(spec, true, undefined);
      for (const operation of ["/op1", "/op1/x/y", text.slice(0, 200)])
        control.refuse({
          caller: { trustDomain: "public", namespace: "default", appId: "app1" },
          operation,
          verb: "GET",
        });
    },
  }),
  target({
    name: "resiliency",
    inputs: texts(resiliency),
    run: (text) => {
      const documents = parseDocuments(text, "f.yaml").documents.filter(
        (document) => document.kind === "Resiliency",
      );
      const made = createResiliency(documents, {
        clock: fakeClock(),
        log: silent,
        namespace: "",
        meter: undefined,
      });
      made.app("x", "m");
      made.component("z", "state", "inbound");
      made.actorBefore("y", "1");
    },
  }),
  target({
    name: "cel",
    inputs: texts(
      'event.type == "order" && event.data.total > 10',
      "event.data.name.matches('^(a+)+$')",
      "has(event.data.x) ? event.data.x in ['a', 'b'] : false",
      "size(event.data.items) > 3 || event.data.items.exists(i, i.price > 2)",
    ),
    run: (match) => {
      const routes = compileRoutes({ rules: [{ match, path: "/x" }], default: "/" });
      try {
        routes.path({
          type: "order",
          data: { total: 1, name: "a".repeat(3000), items: [{ price: 1 }] },
        });
      } catch (reason) {
        // An event that a rule does not fit is a failure of its own.
        promise(reason instanceof Error, "what is thrown is an Error");
      }
    },
    allows: (reason) =>
      reason instanceof Error && reason.message.startsWith("Cannot read the rule"),
  }),
  target({
    name: "env-expansion",
    inputs: texts("a $X ${Y} $$ ${", "${X}${X}", "$1$2"),
    run: (text) => promise(typeof expandEnv(text, { X: "x", Y: "${X}" }) === "string", "a text"),
  }),
];
