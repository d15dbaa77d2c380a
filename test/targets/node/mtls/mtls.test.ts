import { spawn, type ChildProcess } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRequest, issue, keyOfRequest } from "#targets/node/mtls/certificates.ts";
import { splitPem } from "#targets/ca/authority.ts";
import { openFolder, rotateRoot } from "#targets/ca/folder.ts";
import { type AppServer, appServer } from "#test/support/app-server.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const bin = join(import.meta.dirname, "../../../../bin/outrigger.mjs");
const folder = mkdtempSync(join(tmpdir(), "outrigger-mtls-"));
const workload = { trustDomain: "public", namespace: "default", appId: "cart" };

interface Ca {
  readonly port: number;
  readonly folder: string;
  readonly child: ChildProcess;
  output(): string;
}
async function startCa(name: string, ...more: readonly string[]): Promise<Ca> {
  const port = await freePort();
  const of = join(folder, name);
  const child = spawn(
    process.execPath,
    [bin, "ca", "--port", String(port), "--issuer-credentials", of, ...more],
    { env: {}, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (output += data.toString()));
  await eventually(() => output.includes("listening"), { withinMs: 20_000, what: "the authority" });
  return { port, folder: of, child, output: () => output };
}
const anchorsOf = (ca: Ca): string => join(ca.folder, "ca.crt");

describe("certificates", () => {
  it("name the workload, and are signed by the issuer, which a root has signed", async () => {
    const { issuer, anchors } = await openFolder(join(folder, "made"), "localhost");
    const { csr } = await createRequest();
    const now = Date.now();
    const pem = await issue(workload, await keyOfRequest(csr), issuer, {
      notBefore: new Date(now - 1000),
      notAfter: new Date(now + 60_000),
    });
    const [leaf, chain] = splitPem(pem).map((each) => new X509Certificate(each));
    expect(leaf?.subjectAltName).toContain("URI:spiffe://public/ns/default/cart");
    expect(leaf?.ca).toBe(false);
    expect(leaf?.verify(chain?.publicKey as never)).toBe(true);
    expect(chain?.verify(new X509Certificate(anchors).publicKey)).toBe(true);
    expect(await openFolder(join(folder, "made"), "localhost")).toEqual({ issuer, anchors });
  });
  it.each([
    "",
    "nothing",
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    "x".repeat(100_000),
  ])("are not made for a request that is none (%#)", async (csr) => {
    await expect(keyOfRequest(csr)).rejects.toThrow("certificate request");
  });
  it("are not made with files that do not belong together", async () => {
    await openFolder(join(folder, "one"), "a");
    await openFolder(join(folder, "two"), "b");
    writeFileSync(join(folder, "two/ca.crt"), readFileSync(join(folder, "one/ca.crt")));
    await expect(openFolder(join(folder, "two"), "b")).rejects.toThrow("not signed by a root");
  });
  it("move to a new root in three steps, each of which trusts both sides", async () => {
    const path = join(folder, "rotated");
    const first = await openFolder(path, "a");
    expect(await rotateRoot(path, "a")).toBe("announced");
    const second = await openFolder(path, "a");
    expect(second.issuer).toEqual(first.issuer);
    expect(splitPem(second.anchors)).toHaveLength(2);
    expect(await rotateRoot(path, "a")).toBe("switched");
    const third = await openFolder(path, "a");
    expect(third.issuer).not.toEqual(first.issuer);
    expect(third.anchors).toBe(second.anchors);
    expect(await rotateRoot(path, "a")).toBe("finished");
    const last = await openFolder(path, "a");
    expect(splitPem(last.anchors)).toEqual(splitPem(second.anchors).slice(1));
    expect(last.issuer).toEqual(third.issuer);
  });
  it("of both roots hold in TLS for who trusts both, in whatever order", async () => {
    const path = join(folder, "both");
    const former = await openFolder(path, "a");
    await rotateRoot(path, "a");
    const { anchors } = await openFolder(path, "a");
    await rotateRoot(path, "a");
    const { issuer } = await openFolder(path, "a");
    for (const by of [former.issuer, issuer]) {
      const { csr, privateKey } = await createRequest();
      const cert = await issue(workload, await keyOfRequest(csr), by, {
        notBefore: new Date(Date.now() - 1000),
        notAfter: new Date(Date.now() + 60_000),
      });
      for (const ca of [splitPem(anchors), splitPem(anchors).toReversed()])
        expect(await handshake({ cert, key: privateKey, ca: ca.join("\n") })).toBe("in");
      expect(
        await handshake({
          cert,
          key: privateKey,
          ca: splitPem(anchors)[by === issuer ? 0 : 1] ?? "",
        }),
      ).not.toBe("in");
    }
  });
});

/** Of a server and a client that show the same certificate and trust the same roots. */
async function handshake(context: { cert: string; key: string; ca: string }): Promise<string> {
  const server = createTls({ ...context, requestCert: true, rejectUnauthorized: true }, (socket) =>
    socket.end("in"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    return await new Promise<string>((resolve) => {
      const socket = connectTls({
        ...context,
        port,
        host: "127.0.0.1",
        checkServerIdentity: () => undefined,
      });
      socket.once("data", (data) => resolve(String(data)));
      socket.once("error", (reason) => resolve(reason.message));
      socket.once("close", () => resolve("closed"));
    });
  } finally {
    server.close();
  }
}

describe("two runtimes with certificates of one authority", () => {
  let ca: Ca;
  let app: AppServer;
  let cart: SidecarProcess;
  let shop: SidecarProcess;
  let cartPort: number;
  const started: SidecarProcess[] = [];

  async function runtime(
    appId: string,
    of: Ca,
    spec: object,
    ...args: readonly string[]
  ): Promise<SidecarProcess> {
    const config = join(folder, `${appId}-${started.length}.json`);
    writeFileSync(
      config,
      JSON.stringify({
        apiVersion: "dapr.io/v1alpha1",
        kind: "Configuration",
        metadata: { name: "c" },
        spec: {
          nameResolution: {
            component: "static",
            configuration: {
              hosts: { cart: `127.0.0.1:${cartPort}`, other: `127.0.0.1:${cartPort}` },
            },
          },
          ...spec,
        },
      }),
    );
    const process = await sidecar({
      args: [
        "--app-id",
        appId,
        "--config",
        config,
        "--enable-mtls",
        "--sentry-address",
        `127.0.0.1:${of.port}`,
        "--log-level",
        "info",
        ...args,
      ],
      env: { DAPR_TRUST_ANCHORS_FILE: anchorsOf(of) },
    });
    started.push(process);
    await process.healthy();
    return process;
  }
  const call = async (
    from: SidecarProcess,
    path = "/echo",
    to = "cart",
  ): Promise<{ status: number; text: string }> => {
    const answer = await fetch(
      `http://127.0.0.1:${from.httpPort}/v1.0/invoke/${to}/method${path}`,
      {
        method: "POST",
        headers: { "dapr-caller-app-id": "forged", "dapr-caller-namespace": "forged" },
        body: "x",
      },
    );
    return { status: answer.status, text: await answer.text() };
  };

  beforeAll(async () => {
    // Certificates of seconds: every call of the test is between renewals.
    ca = await startCa("live", "--workload-cert-ttl", "5s", "--allowed-clock-skew", "60s");
    app = await appServer();
    cartPort = await freePort();
    cart = await runtime(
      "cart",
      ca,
      {
        accessControl: {
          defaultAction: "deny",
          policies: [
            {
              appId: "shop",
              namespace: "default",
              trustDomain: "public",
              defaultAction: "deny",
              operations: [{ name: "/echo", httpVerb: ["POST"], action: "allow" }],
            },
          ],
        },
      },
      "--app-port",
      String(app.port),
      "--dapr-internal-grpc-port",
      String(cartPort),
    );
    shop = await runtime("shop", ca, {});
  }, 90_000);
  afterAll(async () => {
    await Promise.all(started.map((each) => each.stop()));
    ca.child.kill();
    await app[Symbol.asyncDispose]();
  });

  it("call each other, and the callee knows the caller by its certificate", async () => {
    expect(await call(shop)).toMatchObject({ status: 201 });
    const seen = (await app.saw("/echo")).at(-1);
    expect(seen?.headers).toMatchObject({
      "dapr-caller-app-id": "shop",
      "dapr-caller-namespace": "default",
    });
  });
  it("are judged by access control: another method, and another app, are refused", async () => {
    const denied = await call(shop, "/other");
    expect(denied.status).toBe(403);
    expect(denied.text).toContain(
      "id: spiffe://public/ns/default/shop operation: other verb: POST",
    );
    const stranger = await runtime("stranger", ca, {});
    expect((await call(stranger)).status).toBe(403);
  }, 60_000);
  it("refuse whom another authority has signed, whoever shows no certificate, and what is not TLS", async () => {
    const foreign = await startCa("foreign");
    const forged = await runtime("shop", foreign, {});
    expect((await call(forged)).status).toBe(500);
    foreign.child.kill();
    for (const authority of [`http://127.0.0.1:${cartPort}`, `https://127.0.0.1:${cartPort}`]) {
      const session = connect(authority, { rejectUnauthorized: false });
      const ended = await new Promise<string>((resolve) => {
        session.on("error", (reason) => resolve(String(reason)));
        session.on("close", () => resolve("closed"));
        setTimeout(() => resolve("silent"), 3000).unref();
        const stream = session.request({
          ":path": "/echo",
          ":method": "POST",
          "outrigger-callee-app-id": "cart",
        });
        stream.on("error", () => {});
        stream.on("response", () => resolve("answered"));
        stream.end("x");
      });
      session.destroy();
      expect(ended).not.toBe("answered");
    }
  }, 90_000);
  it("do not take one app for another that answers at its address", async () => {
    const answer = await call(shop, "/echo", "other");
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("not app");
  }, 60_000);
  it("renew their certificates without a failed call, also while the root changes", async () => {
    const renewals = (): number => cart.output().split("Renewed the certificate").length - 1;
    const steps = ["announced", "switched", "finished"];
    const before = renewals();
    let failed = 0;
    let calls = 0;
    for (const deadline = Date.now() + 70_000; Date.now() < deadline;) {
      calls++;
      if ((await call(shop)).status !== 201) failed++;
      await new Promise((go) => setTimeout(go, 20));
      // Each step once everybody has read the anchors (10 s) and renewed.
      const due = before + (4 - steps.length) * 5;
      if (steps.length > 0 && renewals() >= due)
        expect(await rotateRoot(ca.folder, "localhost")).toBe(steps.shift());
      if (steps.length === 0 && renewals() >= before + 17) break;
    }
    expect({ failed, steps }).toEqual({ failed: 0, steps: [] });
    expect(calls).toBeGreaterThan(100);
  }, 90_000);
});
