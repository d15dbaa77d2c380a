import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  SignCertificateRequest_TokenValidator as TokenValidator,
  SignCertificateRequestSchema,
  SignCertificateResponseSchema,
} from "#core/wire/grpc/gen/dapr/proto/sentry/v1/sentry_pb.js";
import { clock } from "#targets/node/clock.ts";
import { createCertificateRules } from "#k8s/identity/certificate-rules.ts";
import type { KubeObject, Pod } from "#k8s/api/objects.ts";
import { type AuthorityStore, splitPem } from "#targets/ca/authority.ts";
import { createRequest, issue, keyOfRequest } from "#targets/node/mtls/certificates.ts";
import { clusterStore } from "#targets/ca/cluster-store.ts";
import { serveHealth } from "#targets/ca/health-port.ts";
import { type CaOptions, type CaServer, serveCa } from "#targets/ca/serve-ca.ts";
import { callUnary } from "#targets/node/mtls/unary-rpc.ts";
import { kubernetes } from "#targets/ca/validators.ts";
import { kubernetesTokenFile, mtlsSettings } from "#targets/node/mtls/settings.ts";
import { openIdentity } from "#targets/node/mtls/workload-identity.ts";
import { audience, type Cluster, cluster } from "./cluster.ts";

const controlPlane = "outrigger-system";
let world: Cluster;
let store: AuthorityStore;
let options: CaOptions;
let ca: CaServer;
let logged: string[];
let cart: Pod;
let node: Pod;
let session: ClientHttp2Session | undefined;

beforeEach(async () => {
  world = await cluster();
  logged = [];
  const say = (text: string): void => void logged.push(text);
  const log = { debug: say, info: say, warn: say, error: say };
  const annotations = {
    "dapr.io/enabled": "true",
    "dapr.io/app-id": "cart",
    "outrigger.dev/injected": "shared",
  };
  cart = world.pod("shop", "cart-0", { annotations });
  node = world.pod(controlPlane, "outrigger-node-a", { account: "outrigger-node" });
  store = clusterStore({
    kube: world.kube,
    namespace: controlPlane,
    trustDomain: "cluster.local",
    log,
  });
  options = {
    port: 0,
    address: "127.0.0.1",
    store,
    trustDomain: "cluster.local",
    namespace: controlPlane,
    workloadTtlMs: 3_600_000,
    clockSkewMs: 60_000,
    log,
    validator: kubernetes(
      createCertificateRules({
        kube: world.kube,
        clock,
        audiences: [audience],
        controlPlaneNamespace: controlPlane,
        nodeAccounts: [{ namespace: controlPlane, name: "outrigger-node" }],
        sharedAccounts: [],
      }),
    ),
  };
  ca = await serveCa(options);
});
afterEach(async () => {
  session?.destroy();
  session = undefined;
  await ca[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** As daprd asks, with all that its request carries. */
async function ask(
  token: string,
  {
    id = "cart",
    namespace = "shop",
    tokenValidator = TokenValidator.KUBERNETES,
    trustDomain = "",
    csr = "",
  } = {},
): Promise<readonly X509Certificate[]> {
  session ??= connect(`https://127.0.0.1:${ca.port}`, { rejectUnauthorized: false });
  const request = create(SignCertificateRequestSchema, {
    id,
    namespace,
    trustDomain,
    token,
    tokenValidator,
    certificateSigningRequest: Buffer.from(csr || (await createRequest()).csr),
  });
  const bytes = await callUnary(
    session,
    toBinary(SignCertificateRequestSchema, request),
    AbortSignal.timeout(10_000),
  );
  const response = fromBinary(SignCertificateResponseSchema, bytes);
  return splitPem(Buffer.from(response.workloadCertificate).toString()).map(
    (pem) => new X509Certificate(pem),
  );
}

describe("Dapr's CA API on Kubernetes", () => {
  it("gives a pod, and the runtime of its node, the pod's identity", async () => {
    for (const pod of [cart, node]) {
      const [leaf, issuer] = await ask(world.token(pod));
      expect(leaf?.subjectAltName).toContain("URI:spiffe://public/ns/shop/cart");
      expect(leaf?.verify(issuer?.publicKey as never)).toBe(true);
    }
    expect(logged.join("\n")).toContain("Signed a certificate for spiffe://public/ns/shop/cart");
  });
  it("signs the trust domain that the pod has, not the one that the request says", async () => {
    const [leaf] = await ask(world.token(cart), { trustDomain: "cluster.local" });
    expect(leaf?.subjectAltName).toContain("URI:spiffe://public/ns/shop/cart");
  });
  it("takes the validators kubernetes and unsaid, and no other", async () => {
    const token = world.token(cart);
    expect(await ask(token, { tokenValidator: TokenValidator.UNKNOWN })).toHaveLength(2);
    for (const tokenValidator of [TokenValidator.INSECURE, TokenValidator.JWKS, 99])
      await expect(ask(token, { tokenValidator })).rejects.toThrow(
        "status 7: the requested validator is not enabled",
      );
  });
  it("refuses with PermissionDenied and the reason, logs it and counts it", async () => {
    await expect(ask(world.token(cart), { id: "other" })).rejects.toThrow(
      'status 7: the pod "cart-0" is app "cart", not "other"',
    );
    expect(logged.join("\n")).toContain("Refusing a certificate for spiffe://public/ns/shop/other");
    const text = ca.counts.exposition();
    expect(text).toContain('dapr_sentry_cert_sign_failure_total{reason="denied"} 1');
    expect(text).toContain("dapr_sentry_cert_sign_request_received_total 1");
  });
  it("refuses with Unavailable while Kubernetes cannot be asked", async () => {
    const token = world.token(cart);
    world.api.fail({ path: /tokenreviews/, status: 500 });
    await expect(ask(token)).rejects.toThrow("status 14: Kubernetes cannot be asked");
    expect(ca.counts.exposition()).toContain('{reason="unavailable"} 1');
    expect(await ask(token)).toHaveLength(2);
  });
  it.each([
    ["no id", { id: "" }],
    ["an id that is none", { id: "a/b" }],
    ["a namespace that is none", { namespace: "../x" }],
    ["no request for a certificate", { csr: "nothing" }],
  ])("refuses %s with InvalidArgument", async (_what, parts) => {
    await expect(ask(world.token(cart), parts)).rejects.toThrow("status 3");
  });
  it("asks Kubernetes nothing about a request that cannot be read", async () => {
    const before = world.api.requests.length;
    await expect(ask(world.token(cart), { id: "" })).rejects.toThrow();
    expect(world.api.requests.length).toBe(before);
  });
});

describe("a runtime that asks", () => {
  const anchorsFile = (): string => {
    const file = join(mkdtempSync(join(tmpdir(), "outrigger-ca-")), "ca.crt");
    const bundle = world.api.get<KubeObject & { readonly data: Readonly<Record<string, string>> }>(
      `/api/v1/namespaces/${controlPlane}/configmaps/outrigger-trust-bundle`,
    );
    writeFileSync(file, bundle?.data["ca.crt"] ?? "");
    return file;
  };
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const flags = () => ({
    sentryAddress: `127.0.0.1:${ca.port}`,
    controlPlaneTrustDomain: "cluster.local",
    controlPlaneNamespace: controlPlane,
  });
  it("shows its service account's token, and waits out a Kubernetes that is away", async () => {
    const tokenFile = join(mkdtempSync(join(tmpdir(), "outrigger-ca-")), "token");
    writeFileSync(tokenFile, `${world.token(node)}\n`);
    world.api.fail({ path: /tokenreviews/, status: 503 });
    const settings = mtlsSettings(flags(), { DAPR_TRUST_ANCHORS_FILE: anchorsFile() }, () => true);
    const workload = { trustDomain: "public", namespace: "shop", appId: "cart" };
    using identity = await openIdentity(
      workload,
      { ...settings, tokenFile },
      silent,
      () => undefined,
      clock,
    );
    expect(new X509Certificate(identity.context.cert).subjectAltName).toContain("ns/shop/cart");
    expect(logged.join("\n")).toContain("Kubernetes cannot be asked");
  });
  it("knows by the file what its token is", () => {
    const env = { DAPR_TRUST_ANCHORS_FILE: anchorsFile() };
    const of = (file: string | undefined, isThere: boolean) => {
      const { tokenFile, tokenIs } = mtlsSettings(
        flags(),
        file === undefined ? env : { ...env, DAPR_SENTRY_TOKEN_FILE: file },
        () => isThere,
      );
      return { tokenFile, tokenIs };
    };
    const projected = { tokenFile: kubernetesTokenFile, tokenIs: "kubernetes" };
    expect(of(undefined, true)).toEqual(projected);
    expect(of(kubernetesTokenFile, false)).toEqual(projected);
    expect(of("/own/token", true)).toEqual({ tokenFile: "/own/token", tokenIs: "jwt" });
    expect(of(undefined, false)).toEqual({ tokenFile: undefined, tokenIs: undefined });
  });
});

describe("under load", () => {
  it("signs 100 certificates a second, with few questions to Kubernetes", async () => {
    const token = world.token(node);
    for (let i = 0; i < 30; i++)
      world.pod("shop", `app-${i}-0`, {
        annotations: {
          "dapr.io/app-id": `app-${i}`,
          "dapr.io/enabled": "true",
          "outrigger.dev/injected": "shared",
        },
      });
    const { csr } = await createRequest();
    const questions = world.api.requests.length;
    const began = performance.now();
    const took: number[] = [];
    const calls: Array<Promise<unknown>> = [];
    for (let i = 0; i < 200; i++) {
      const due = began + i * 10;
      await new Promise((go) => setTimeout(go, Math.max(0, due - performance.now())));
      const sent = performance.now();
      calls.push(
        ask(token, { id: `app-${i % 30}`, csr }).then(() => took.push(performance.now() - sent)),
      );
    }
    await Promise.all(calls);
    const seconds = (performance.now() - began) / 1000;
    expect(took).toHaveLength(200);
    expect(world.api.requests.length - questions).toBeLessThanOrEqual(12);
    expect(seconds).toBeLessThan(4);
  });
});

describe("an issuer that ends in 50 days", () => {
  it("is warned of while there is time", async () => {
    expect(logged.join()).not.toContain("rotate-root");
    const { anchors, issuer } = await store.open();
    const { csr, privateKey } = await createRequest();
    const certificate = await issue(
      { trustDomain: "x", namespace: "x", appId: "x" },
      await keyOfRequest(csr),
      issuer,
      { notBefore: new Date(), notAfter: new Date(Date.now() + 50 * 24 * 3_600_000) },
    );
    const ending = { anchors, issuer: { certificate, privateKey } };
    await using _other = await serveCa({
      ...options,
      store: { ...store, open: async () => ending },
    });
    expect(logged.join()).toContain("take the steps of outrigger ca rotate-root");
  });
});

describe("the health port", () => {
  it("answers probes and scrapers, and nobody else", async () => {
    await using health = await serveHealth({ port: 0, address: "127.0.0.1" }, ca.counts.exposition);
    const at = (path: string, init?: RequestInit): Promise<Response> =>
      fetch(`http://127.0.0.1:${health.port}${path}`, init);
    expect((await at("/healthz")).status).toBe(204);
    expect(await (await at("/metrics")).text()).toMatch(
      /dapr_sentry_issuercert_expiry_timestamp \d+/,
    );
    expect((await at("/other")).status).toBe(404);
    expect((await at("/healthz", { method: "POST" })).status).toBe(405);
  });
});
