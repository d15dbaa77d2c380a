import {
  type CertificateRules,
  createCertificateRules,
  type Verdict,
} from "#k8s/identity/certificate-rules.ts";
import type { Pod } from "#k8s/api/objects.ts";
import { clock } from "#targets/node/clock.ts";
import { audience, type Cluster, cluster, type TokenParts } from "./cluster.ts";

export const controlPlane = "outrigger-system";

/** Annotations of a pod that the injector gave to its node's runtime. */
export const app = (appId: string, more: Readonly<Record<string, string>> = {}) => ({
  annotations: {
    "dapr.io/enabled": "true",
    "dapr.io/app-id": appId,
    "outrigger.dev/injected": "shared",
    ...more,
  },
});

/** Two nodes, apps of two namespaces on them, runtimes, and the rules that judge them all. */
export interface World extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly pods: Record<string, Pod>;
  /** Others that remember nothing. */
  forget(): void;
  rules(...asked: Parameters<CertificateRules>): Promise<Verdict>;
  /** Asks with the token of a pod (a name of `pods`) for `namespace/app id`. */
  ask(who: string, what: string, parts?: TokenParts): Promise<Verdict>;
}

export async function openWorld(): Promise<World> {
  const of = await cluster();
  const { pod } = of;
  const pods: Record<string, Pod> = {
    "shop/cart": pod("shop", "cart-0", app("cart")),
    "shop/orders": pod("shop", "orders-0", { ...app("orders"), node: "node-b" }),
    "bank/cart": pod("bank", "cart-0", app("cart")),
    "bank/vault": pod("bank", "vault-0", { ...app("vault"), node: "node-b" }),
    "shop/ended": pod("shop", "ended-0", { ...app("ended"), phase: "Succeeded" }),
    "shop/failed": pod("shop", "failed-0", { ...app("failed"), phase: "Failed" }),
    "shop/plain": pod("shop", "plain"),
    "shop/prepared": pod("shop", "prepared-0", app("prepared", { "outrigger.dev/injected": "" })),
    "shop/alone": pod("shop", "alone-0", app("alone", { "outrigger.dev/injected": "sidecar" })),
    "shop/starting": pod("shop", "starting-0", { ...app("starting"), phase: "Pending" }),
    "shop/waiting": pod("shop", "waiting-0", { ...app("waiting"), node: "", phase: "Pending" }),
    "node-a": pod(controlPlane, "outrigger-node-a", { account: "outrigger-node" }),
    "node-b": pod(controlPlane, "outrigger-node-b", { account: "outrigger-node", node: "node-b" }),
    shared: pod(controlPlane, "outrigger-shared", { account: "outrigger-shared", node: "node-b" }),
    everywhere: pod("ops", "outrigger-all", { account: "outrigger-all", node: "node-b" }),
    injector: pod(controlPlane, "outrigger-injector", { account: "outrigger-injector" }),
  };
  const create = (): CertificateRules =>
    createCertificateRules({
      kube: of.kube,
      clock,
      audiences: [audience],
      controlPlaneNamespace: controlPlane,
      nodeAccounts: [{ namespace: controlPlane, name: "outrigger-node" }],
      sharedAccounts: [
        { namespace: controlPlane, name: "outrigger-shared", namespaces: new Set(["shop"]) },
        { namespace: "ops", name: "outrigger-all", namespaces: "all" },
      ],
    });
  let rules = create();
  return {
    cluster: of,
    pods,
    forget: () => void (rules = create()),
    rules: (...asked) => rules(...asked),
    ask: (who, what, parts) => {
      const [namespace = "", appId = ""] = what.split("/");
      return rules({ namespace, appId, trustDomain: "public" }, of.token(pods[who] as Pod, parts));
    },
    [Symbol.asyncDispose]: () => of[Symbol.asyncDispose](),
  };
}

/** `yes`, or the reason. */
export const said = (verdict: Verdict): string => ("proven" in verdict ? "yes" : verdict.refused);
