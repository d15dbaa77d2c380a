import { X509Certificate } from "node:crypto";
import { connect as connectPlain } from "node:net";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import type { AdmissionResponse } from "#k8s/injector/review.ts";
import { makeServing } from "#k8s/injector/make-certificates.ts";
import { eventually } from "#test/support/eventually.ts";
import { podReview } from "#test/support/injector.ts";
import { runInjector } from "#test/support/injector-server.ts";
import { applyPatch, type PatchStep } from "#test/support/json-patch.ts";
import { manyPods, pod } from "#test/support/pods.ts";

const responseOf = (text: string): AdmissionResponse =>
  (JSON.parse(text) as { response: AdmissionResponse }).response;

describe("the webhook", () => {
  it("injects over TLS, with the query that API servers add", async () => {
    await using injector = await runInjector();
    const { status, text, headers } = await injector.post("/mutate?timeout=10s", podReview(pod()));
    expect({ status, type: headers["content-type"] }).toEqual({
      status: 200,
      type: "application/json",
    });
    expect(JSON.parse(text)).toMatchObject({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
    });
    expect(responseOf(text)).toMatchObject({ allowed: true, patchType: "JSONPatch" });
    expect(injector.log.of("info")).toContain("Injected into pod shop/web, app web");
    expect(JSON.stringify(injector.log.lines)).not.toContain("DAPR_API_TOKEN");
  });

  it("converts Subscriptions", async () => {
    await using injector = await runInjector();
    const { status, text } = await injector.post("/convert?timeout=30s", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "ConversionReview",
      request: {
        uid: "u",
        desiredAPIVersion: "dapr.io/v1alpha1",
        objects: [
          {
            apiVersion: "dapr.io/v2alpha1",
            kind: "Subscription",
            metadata: {},
            spec: { routes: { default: "/a" } },
          },
        ],
      },
    });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      response: {
        uid: "u",
        convertedObjects: [{ apiVersion: "dapr.io/v1alpha1", spec: { route: "/a" } }],
      },
    });
  });

  it("refuses with a message, and counts it", async () => {
    await using injector = await runInjector();
    const { text } = await injector.post(
      "/mutate",
      podReview(pod({}, { "dapr.io/app-port": "x" })),
    );
    expect(responseOf(text)).toMatchObject({ allowed: false, status: { code: 422 } });
    expect(injector.log.of("warn")[0]).toContain(
      "Outrigger cannot serve pod shop/web: dapr.io/app-port",
    );
  });

  it.each<
    [what: string, path: string, body: string, headers: Record<string, string>, status: number]
  >([
    ["no JSON", "/mutate", "{", {}, 400],
    ["nothing", "/mutate", "", {}, 400],
    ["no review", "/mutate", "[]", {}, 400],
    ["no conversion", "/convert", "{}", {}, 400],
    ["a pod that is none", "/mutate", JSON.stringify(podReview({ metadata: 1 })), {}, 400],
    ["another media type", "/mutate", "{}", { "content-type": "text/plain" }, 415],
    ["too much", "/mutate", `"${"x".repeat(4 * 1024 * 1024)}"`, {}, 413],
    ["another path", "/", "{}", {}, 404],
    ["a path below", "/mutate/x", "{}", {}, 404],
  ])("answers %s", async (_what, path, body, headers, status) => {
    await using injector = await runInjector();
    expect((await injector.post(path, body, headers)).status).toBe(status);
    // And goes on.
    expect((await injector.post("/mutate", podReview(pod()))).status).toBe(200);
  });

  it("counts what comes in pieces too", async () => {
    await using injector = await runInjector();
    const body = `"${"x".repeat(4 * 1024 * 1024)}"`;
    const answer = injector.post("/mutate", body, { "transfer-encoding": "chunked" });
    expect((await answer).status).toBe(413);
    expect((await injector.post("/mutate", podReview(pod()))).status).toBe(200);
  });

  it("serves others while a body does not come", async () => {
    await using injector = await runInjector();
    const slow = connect({
      port: injector.server.port,
      host: "127.0.0.1",
      ca: injector.authority.certificate,
    });
    slow.on("error", () => undefined);
    slow.write(
      "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    );
    const silent = connectPlain(injector.server.port, "127.0.0.1");
    silent.on("error", () => undefined);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => injector.post("/mutate", podReview(pod()))),
    );
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    slow.destroy();
    silent.destroy();
  });

  it("shows a renewed certificate to new connections, and keeps those that are open", async () => {
    await using injector = await runInjector();
    const peer = async (): Promise<X509Certificate | undefined> => {
      const socket = connect({
        port: injector.server.port,
        host: "127.0.0.1",
        ca: injector.authority.certificate,
      });
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      return certificate;
    };
    const before = (await peer())?.fingerprint256;
    expect((await injector.post("/mutate", podReview(pod()))).status).toBe(200);
    const next = await makeServing(injector.authority, ["127.0.0.1"], Date.now(), 60_000);
    injector.renew(next);
    expect((await peer())?.fingerprint256).toBe(
      new X509Certificate(next.certificate).fingerprint256,
    );
    expect((await peer())?.fingerprint256).not.toBe(before);
    expect((await injector.post("/mutate", podReview(pod()))).status).toBe(200);
  });

  it("gives 200 pods at once a token each", async () => {
    await using injector = await runInjector();
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => injector.post("/mutate", podReview(manyPods["of a Job"]))),
    );
    const patches = answers.map(({ text }) => atob(responseOf(text).patch ?? ""));
    const tokens = patches.map(
      (patch) => /"DAPR_API_TOKEN","value":"([\w-]{48})"/.exec(patch)?.[1],
    );
    expect(new Set(tokens).size).toBe(200);
  });
});

describe("health and metrics", () => {
  it("are there before there is a certificate", async () => {
    await using injector = await runInjector({ withoutCertificate: true });
    expect(injector.server.port).toBe(0);
    expect(await injector.health("/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await injector.health("/readyz")).toEqual({ status: 503, text: "none yet\n" });
    injector.renew(await makeServing(injector.authority, ["127.0.0.1"], Date.now(), 60_000));
    await injector.server.listening;
    expect(await injector.health("/readyz")).toEqual({ status: 200, text: "ok\n" });
    expect((await injector.post("/mutate", podReview(pod()))).status).toBe(200);
  });

  it("say what is wrong", async () => {
    await using injector = await runInjector();
    injector.problem = "expired";
    expect(await injector.health("/readyz")).toEqual({ status: 503, text: "expired\n" });
    expect(await injector.health("/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect((await injector.health("/other")).status).toBe(404);
  });

  it("count as Dapr's injector does", async () => {
    await using injector = await runInjector();
    const first = await injector.post("/mutate", podReview(pod()));
    const patch = JSON.parse(atob(responseOf(first.text).patch ?? "")) as readonly PatchStep[];
    await injector.post("/mutate", podReview(applyPatch(pod(), patch)));
    await injector.post("/mutate", podReview(pod({}, { "dapr.io/app-id": 'A"\n' })));
    await injector.post("/mutate", podReview(pod({}, { "dapr.io/enabled": "false" })));
    await injector.post("/mutate", "{");
    const { text } = await injector.health("/metrics");
    expect(text).toContain("dapr_injector_sidecar_injection_requests_total 5\n");
    expect(text).toContain('dapr_injector_sidecar_injection_succeeded_total{app_id="web"} 1\n');
    expect(text).toContain(
      'dapr_injector_sidecar_injection_failed_total{app_id="",reason="dapr.io/app-id"} 1\n',
    );
    expect(text).toContain(
      'dapr_injector_sidecar_injection_failed_total{app_id="",reason="request"} 1\n',
    );
    expect(text).toMatch(/outrigger_injector_certificate_expiry_timestamp_seconds \d{10}\n/);
  });

  it("do not grow without end", async () => {
    await using injector = await runInjector();
    for (let i = 0; i < 600; i++)
      await injector.post("/mutate", podReview(pod({}, { "dapr.io/app-id": `app-${i}` })));
    const { text } = await injector.health("/metrics");
    expect(text.match(/succeeded_total\{/g)?.length).toBe(501);
    expect(text).toContain('succeeded_total{app_id="__overflow__"} 100\n');
  });
});

describe("the end", () => {
  it("is unready first, still answers for a while, and then closes", async () => {
    const injector = await runInjector({ lingerMs: 300 });
    await injector.post("/mutate", podReview(pod()));
    const ended = injector.server[Symbol.asyncDispose]();
    expect((await injector.health("/readyz")).text).toBe("The injector is ending\n");
    const { status, headers } = await injector.post("/mutate", podReview(pod()));
    expect({ status, connection: headers["connection"] }).toEqual({
      status: 200,
      connection: "close",
    });
    await ended;
    await expect(injector.post("/mutate", podReview(pod()))).rejects.toThrow();
    await injector[Symbol.asyncDispose]();
  });

  it("waits for a request in flight", async () => {
    const injector = await runInjector({ lingerMs: 20 });
    const body = JSON.stringify(podReview(pod()));
    const socket = connect({
      port: injector.server.port,
      host: "127.0.0.1",
      ca: injector.authority.certificate,
    });
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(
      `POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const ended = injector.server[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.write(body.slice(10));
    await eventually(() => answer.includes('"allowed":true'));
    const begin = performance.now();
    await ended;
    expect(performance.now() - begin).toBeLessThan(2000);
    await injector[Symbol.asyncDispose]();
  });
});
