import { X509Certificate } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { openClient } from "#k8s/api/open-client.ts";
import type { KubeObject } from "#k8s/api/objects.ts";
import { type KeyPair, type Lives, splitPem } from "#k8s/injector/certificate-state.ts";
import { type CertificateSource, ownCertificates } from "#k8s/injector/certificates.ts";
import { makeAuthority, makeServing } from "#k8s/injector/make-certificates.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { type KeptLog, keptLog } from "#test/support/kept-log.ts";
import {
  bundleOf,
  type Crd,
  crdPath,
  places,
  putWebhookObjects,
  secretPath,
  webhookPath,
  type WebhookConfiguration,
} from "#test/support/webhook-objects.ts";

const secretName = "outrigger-injector-cert";

async function cluster(): Promise<KubeApiDouble> {
  const api = await kubeApi();
  onTestFinished(() => api[Symbol.asyncDispose]());
  putWebhookObjects(api);
  return api;
}
function replica(
  api: KubeApiDouble,
  options: {
    readonly lives?: Partial<Lives>;
    readonly checkMs?: number;
    readonly log?: KeptLog;
    now?(): number;
  } = {},
): CertificateSource {
  const kube = openClient(api.access());
  const source = ownCertificates({
    kube,
    log: keptLog(),
    secretName,
    places,
    checkMs: 30,
    ...options,
  });
  onTestFinished(async () => {
    await source[Symbol.asyncDispose]();
    await kube[Symbol.asyncDispose]();
  });
  return source;
}
const hour = 3_600_000;
const isTrusted = (certificate: string, bundle: string): boolean => {
  const of = new X509Certificate(certificate);
  return splitPem(bundle).some((pem) => {
    const by = new X509Certificate(pem);
    return of.checkIssued(by) && of.verify(by.publicKey);
  });
};
const ready = (source: CertificateSource): Promise<string> =>
  eventually(() => source.problem() === undefined && source.current()?.certificate, {
    what: `readiness; ${source.problem()}`,
  });

describe("certificates of our own", () => {
  it("are made, kept in a Secret, and told to the API server", async () => {
    const api = await cluster();
    const source = replica(api);
    expect(source.problem()).toBe("The certificate is being made");
    const certificate = await ready(source);
    const secret = api.get<KubeObject & { data: Record<string, string> }>(secretPath);
    expect(atob(secret?.data["tls.crt"] ?? "")).toBe(certificate);
    expect(new X509Certificate(certificate).subjectAltName).toBe(
      "DNS:outrigger-injector.outrigger-system.svc, " +
        "DNS:outrigger-injector.outrigger-system.svc.cluster.local, " +
        "DNS:outrigger-injector.outrigger-system",
    );
    const bundle = bundleOf(api);
    expect(new X509Certificate(certificate).verify(new X509Certificate(bundle).publicKey)).toBe(
      true,
    );
    const webhooks = api.get<WebhookConfiguration>(webhookPath)?.webhooks;
    expect(webhooks?.[1]?.clientConfig).not.toHaveProperty("caBundle");
    expect(atob(api.get<Crd>(crdPath)?.spec.conversion.webhook?.clientConfig.caBundle ?? "")).toBe(
      bundle,
    );
  });

  it("are the same in a replica that starts later, and written no second time", async () => {
    const api = await cluster();
    const first = await ready(replica(api));
    const version = api.get(secretPath)?.metadata.resourceVersion;
    expect(await ready(replica(api))).toBe(first);
    expect(api.get(secretPath)?.metadata.resourceVersion).toBe(version);
  });

  it("are agreed on by replicas that start at once", async () => {
    const api = await cluster();
    const replicas = Array.from({ length: 5 }, () => replica(api));
    const served = await Promise.all(replicas.map(ready));
    expect(new Set(served).size).toBe(1);
    expect(
      new X509Certificate(served[0] as string).verify(new X509Certificate(bundleOf(api)).publicKey),
    ).toBe(true);
    expect(api.requests.some(({ status }) => status === 409)).toBe(true);
  });

  it("fill a Secret that a chart has made empty, and keep what else is in it", async () => {
    const api = await cluster();
    api.put({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secretName, namespace: "outrigger-system", labels: { chart: "x" } },
      type: "Opaque",
      data: { note: btoa("kept") },
    } as KubeObject);
    await ready(replica(api));
    expect(api.get(secretPath)).toMatchObject({
      metadata: { labels: { chart: "x" } },
      data: { note: btoa("kept"), "tls.crt": expect.any(String) },
    });
  });

  it.each([
    ["tls.key", ""],
    ["tls.crt", btoa("nonsense")],
    ["issuer.key", "%%%"],
    ["ca.crt", btoa("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")],
  ])("are made anew where somebody has spoilt %s in the Secret", async (key, value) => {
    const api = await cluster();
    const first = await ready(replica(api, { checkMs: 600_000 }));
    const secret = api.get<KubeObject & { data: Record<string, string> }>(secretPath);
    api.put({ ...secret, data: { ...secret?.data, [key]: value } } as KubeObject);
    const second = await ready(replica(api));
    expect(second).not.toBe(first);
    expect(new X509Certificate(second).verify(new X509Certificate(bundleOf(api)).publicKey)).toBe(
      true,
    );
  });

  it.each(["lost", "empty"])(
    "leave those trusted that other replicas still serve, where the Secret is %s",
    async (how) => {
      const api = await cluster();
      const other = replica(api, { checkMs: 600_000 });
      const served = await ready(other);
      const before = bundleOf(api);
      const secret = api.get<KubeObject>(secretPath) as KubeObject;
      if (how === "lost") api.remove(secretPath);
      else api.put({ ...secret, data: {} } as KubeObject);
      const log = keptLog();
      const first = await ready(replica(api, { log }));
      expect(first).not.toBe(served);
      expect(other.current()?.certificate).toBe(served);
      expect(isTrusted(first, bundleOf(api))).toBe(true);
      expect(isTrusted(served, bundleOf(api))).toBe(true);
      expect(bundleOf(api).endsWith(before)).toBe(true);
      expect(log.of("warn").join()).toContain("a new authority is made");
    },
  );

  it("leave nothing trusted that has expired or is not an authority, and little altogether", async () => {
    const api = await cluster();
    const now = Date.now();
    const old = await Promise.all(
      Array.from({ length: 8 }, (_, i) => makeAuthority(now - (i + 1) * hour, 24 * hour)),
    );
    const [newest] = old as [KeyPair];
    const over = await makeAuthority(now - 10 * hour, hour);
    const leaf = await makeServing(newest, ["a"], now, hour);
    const pems = [leaf, over, ...old].map(({ certificate }) => certificate);
    const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const webhook = api.get<WebhookConfiguration>(webhookPath) as WebhookConfiguration;
    const bundle = btoa([broken, ...pems].join(""));
    api.put({
      ...webhook,
      webhooks: webhook.webhooks.map((each) => ({
        ...each,
        clientConfig: { ...each.clientConfig, caBundle: bundle },
      })),
    } as KubeObject);
    const certificate = await ready(replica(api));
    const [own = "", ...former] = splitPem(bundleOf(api));
    expect(isTrusted(certificate, own)).toBe(true);
    expect(former).toEqual(old.slice(0, 5).map((each) => each.certificate));
  });

  it("are renewed in time, with never a certificate that is not trusted", async () => {
    const api = await cluster();
    // Lives back-date to twice their length: two thirds of them are over after a third.
    const lives = { authority: 6000, serving: 3000, settle: 400 };
    const sources = [replica(api, { lives }), replica(api, { lives })];
    await Promise.all(sources.map(ready));
    const seen = new Set<string>();
    const bundles = new Set<string>();
    const until = Date.now() + 7000;
    while (Date.now() < until) {
      const bundle = bundleOf(api);
      bundles.add(bundle);
      for (const source of sources) {
        const pem = source.current()?.certificate as string;
        seen.add(pem);
        const of = new X509Certificate(pem);
        expect(of.validToDate.getTime()).toBeGreaterThan(Date.now());
        const issuers = bundle.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
        expect(issuers.some((each) => of.verify(new X509Certificate(each).publicKey))).toBe(true);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(seen.size).toBeGreaterThanOrEqual(4);
    expect(bundles.size).toBeGreaterThanOrEqual(3);
  });

  it("tell the API server again when somebody takes the authority away", async () => {
    const api = await cluster();
    await ready(replica(api));
    putWebhookObjects(api);
    expect(bundleOf(api)).toBe("");
    await eventually(() => bundleOf(api) !== "");
  });
});

describe("trouble with certificates of our own", () => {
  it("an API server that is away at the start is waited for", async () => {
    const api = await cluster();
    await api.stop();
    const log = keptLog();
    const source = replica(api, { log });
    await eventually(() => log.of("warn").length > 0);
    expect(source.problem()).toMatch(/^The webhook's certificate cannot be kept: /);
    expect(source.current()).toBeUndefined();
    await api.start();
    await ready(source);
  });

  it("an API server that goes away later changes nothing", async () => {
    const api = await cluster();
    const log = keptLog();
    const source = replica(api, { log });
    await ready(source);
    await api.stop();
    await eventually(() => log.of("warn").length > 0);
    expect(source.problem()).toBeUndefined();
  });

  it.each([
    [webhookPath, 404, "mutatingwebhookconfigurations/outrigger-injector is not there yet"],
    [webhookPath, 403, "the ServiceAccount needs get and update on it"],
    [crdPath, 403, "customresourcedefinitions/subscriptions.dapr.io cannot be read or changed"],
    [secretPath, 403, "cannot be kept"],
  ])("%s answered %i is a problem until it is not", async (path, status, text) => {
    const api = await cluster();
    const undo = api.fail({ path, status, times: Infinity });
    const source = replica(api);
    await eventually(() => source.problem()?.includes(text), { what: text });
    undo();
    await ready(source);
  });

  it("a webhook configuration that calls somebody else is left alone", async () => {
    const api = await cluster();
    api.put({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: "outrigger-injector" },
      webhooks: [{ name: "a", clientConfig: { service: { name: "dapr", namespace: "x" } } }],
    } as KubeObject);
    const source = replica(api);
    await eventually(() => source.problem()?.includes("calls no webhook of ours"));
    expect(bundleOf(api)).toBe("");
  });

  it("another runtime's CRD is left alone, and is not a problem", async () => {
    const api = await cluster();
    const clientConfig = { service: { name: "dapr-webhook", namespace: "dapr-system" } };
    api.put({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "subscriptions.dapr.io" },
      spec: { conversion: { strategy: "Webhook", webhook: { clientConfig } } },
    } as KubeObject);
    await ready(replica(api));
    expect(api.get<Crd>(crdPath)?.spec.conversion.webhook?.clientConfig).toEqual(clientConfig);
  });

  it("a certificate that could not be renewed is an error in the log, and unready", async () => {
    const api = await cluster();
    const log = keptLog();
    let late = 0;
    const source = replica(api, { log, now: () => Date.now() + late });
    await ready(source);
    await api.stop();
    late = 400 * 24 * 3_600_000;
    await eventually(() => log.of("error").some((line) => line.includes("has expired on")));
    expect(source.problem()).toContain("no API server can call it");
    await api.start();
    await ready(source);
  });

  it("a new certificate waits until it is trusted", async () => {
    const api = await cluster();
    let late = 0;
    const source = replica(api, { now: () => Date.now() + late });
    const first = await ready(source);
    const undo = api.fail({ path: webhookPath, verb: "update", status: 500, times: Infinity });
    const gone = api.fail({ path: webhookPath, verb: "get", status: 500, times: Infinity });
    late = 25 * 24 * 3_600_000;
    await eventually(() => {
      const secret = api.get<KubeObject & { data: Record<string, string> }>(secretPath);
      return atob(secret?.data["tls.crt"] ?? "") !== first;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(source.current()?.certificate).toBe(first);
    expect(source.problem()).toBeUndefined();
    undo();
    gone();
    await eventually(() => source.current()?.certificate !== first);
  });
});
