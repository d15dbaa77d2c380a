import { beforeEach, describe, expect, it } from "vitest";
import type { FromGroup, PodRecord, ToGroup } from "#targets/kubernetes/messages.ts";
import type { ComponentStatus } from "#k8s/operator/component-status.ts";
import {
  createGroupMessages,
  type GroupMessages,
} from "#targets/kubernetes/supervisor/group-messages.ts";
import { turn } from "#test/doubles/group-process.ts";

const documentsOf = (namespace: string): never[] =>
  [
    { kind: "Component", metadata: { namespace, name: "store" } },
    { kind: "Subscription", metadata: { namespace, name: "sub" } },
  ] as never[];
const pods = new Map(
  [
    ["a", "shop"],
    ["b", "bank"],
  ].map(([uid, namespace]) => [
    uid,
    { uid, namespace, name: uid, settings: { appId: uid } } as PodRecord,
  ]),
);
const shop = { name: "namespace/shop", namespaces: new Set(["shop"]) };

const unused: Pick<ComponentStatus, "knows" | "withdraw" | typeof Symbol.asyncDispose> = {
  knows: () => false,
  withdraw: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

let said: string[];
let told: ToGroup[];
let groupMessages: GroupMessages;
beforeEach(() => {
  said = [];
  told = [];
  groupMessages = createGroupMessages({
    documents: { documentsOf },
    status: {
      ...unused,
      report: ({ namespace, component, ready }) =>
        void said.push(`${namespace} ${component} ${ready ? "ready" : "failed"}`),
      forget: ({ namespace, appId }) => void said.push(`forget ${namespace}/${appId}`),
      invalid: ({ metadata }, why) =>
        void said.push(`${metadata.namespace}/${metadata.name} ${why ?? "can be used"}`),
      documents: (namespace, all) =>
        void said.push(`${namespace} has ${all.map(({ metadata }) => metadata.name).join(", ")}`),
      namespaceGone: (namespace) => void said.push(`${namespace} is gone`),
    },
    warn: ({ namespace, name }, reason, message) =>
      said.push(`${namespace}/${name} ${reason} ${message}`),
    answer: async (asker, question) => ({ value: `${asker.name} ${question}` }),
    podOf: (uid) => pods.get(uid),
    onMetrics: ({ text }) => said.push(text),
  });
});
const hear = (message: unknown): void =>
  groupMessages.handle(shop, message as FromGroup, (answer) => told.push(answer));
const report = (uid: string, ...names: string[]): object => ({
  type: "components",
  uid,
  components: names.map((name) => ({ name, isReady: true, message: "" })),
});

describe("what a group says", () => {
  it("of its own pods becomes states and Events", () => {
    hear(report("a", "store", "kubernetes"));
    hear({ type: "hosted", uid: "a", error: "no" });
    hear({ type: "hosted", uid: "a" });
    // What is built in has no document.
    expect(said).toEqual(["shop store ready", "shop/a AppNotHosted no"]);
    groupMessages.forget("a");
    expect(said.at(-1)).toBe("forget shop/a");
  });
  it("of documents becomes their states, those that can be used included", () => {
    const unread = [{ file: "Component/shop/store", why: "no type" }];
    hear({ type: "unread", namespace: "shop", documents: unread });
    expect(said).toEqual(["shop/store no type", "shop/sub can be used"]);
  });
  it("of the pods and documents of others counts for nothing", () => {
    hear(report("b", "store"));
    hear({ type: "hosted", uid: "b", error: "no" });
    hear({ type: "unread", namespace: "bank", documents: [] });
    hear(report("never there", "store"));
    expect(said).toEqual([]);
  });
  it("is answered where it asks, and overlooked where nobody knows it", async () => {
    hear({ type: "ask", id: 7, question: "jwks", about: {} });
    hear({ type: "of a later version", uid: "a" });
    hear({ type: "drained" });
    hear({ type: "metrics", id: 1, text: "metrics" });
    await turn();
    expect(told).toEqual([{ type: "answer", id: 7, value: "namespace/shop jwks" }]);
    expect(said).toEqual(["metrics"]);
  });
  it("is set against the documents as they are, and is over with the namespace", () => {
    groupMessages.documentsChanged("shop");
    groupMessages.namespaceGone("shop");
    expect(said).toEqual(["shop has store, sub", "shop is gone"]);
  });
});
