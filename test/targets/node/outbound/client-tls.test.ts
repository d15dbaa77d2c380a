import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "#targets/node/documents/resources.ts";
import { withTls } from "#targets/node/outbound/client-tls.ts";
import { outsideSend } from "#targets/node/outbound/outside.ts";
import type { ClientTls, SendOutside } from "#core/ports/platform.ts";
import { sendText } from "#test/support/send-text.ts";
import { output } from "#components/http/manifest.ts";
import {
  type TestAuthority,
  type TestCertificate,
  testAuthority,
} from "#test/support/certificates.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { nodeRuntime } from "#test/support/node-runtime.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";

let authority: TestAuthority;
let client: TestCertificate;
let server: Server;
let url: string;

beforeAll(async () => {
  authority = await testAuthority();
  client = await authority.issue("client");
  const own = await authority.issue("server");
  server = createServer(
    {
      cert: own.certificate,
      key: own.privateKey,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    },
    (request, response) => {
      const socket = request.socket as TLSSocket;
      response.end(socket.authorized ? socket.getPeerCertificate().subject.CN : "nobody");
    },
  );
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const sendWith = (tls: ClientTls): SendOutside => outsideSend(withTls({}, tls));
const endpoint = (name: string, tls: object): string =>
  JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "HTTPEndpoint",
    metadata: { name },
    spec: { baseUrl: url, clientTLS: tls },
  });
const value = (text: string): { readonly value: string } => ({ value: text });

describe("an HTTPEndpoint with clientTLS", () => {
  it("shows its certificate, and trusts the authority that is named", async () => {
    const texts = [
      endpoint("known", {
        rootCA: value(authority.certificate),
        certificate: value(client.certificate),
        privateKey: value(client.privateKey),
        renegotiation: "RenegotiateOnceAsClient",
      }),
      endpoint("trusting", { rootCA: value(authority.certificate) }),
      endpoint("distrustful", { rootCA: value((await testAuthority()).certificate) }),
    ];
    const runtime = await nodeRuntime({
      inlineResources: texts.map((text, i) => ({ name: `${i}.yaml`, text })),
    });
    const call = async (name: string): Promise<readonly [number, string]> => {
      const answer = await fetch(
        `http://127.0.0.1:${runtime.httpPort}/v1.0/invoke/${name}/method/any`,
      );
      return [answer.status, await answer.text()];
    };
    try {
      expect(await call("known")).toEqual([200, "client"]);
      expect(await call("trusting")).toEqual([200, "nobody"]);
      const [status, text] = await call("distrustful");
      expect(status).toBe(500);
      expect(text).toContain("ERR_DIRECT_INVOKE");
    } finally {
      await runtime.stop();
    }
  });
  it("is refused with what to mend where it asks for an unknown renegotiation", () => {
    const lines = testHost();
    expect(parse(endpoint("bad", { renegotiation: "Sometimes" }), "bad.yaml", lines.log)).toEqual(
      [],
    );
    const text = lines.lines.map(({ message }) => message).join();
    expect(text).toContain("spec.clientTLS.renegotiation");
  });
});

describe("a client's certificates", () => {
  it("may stand in files", async () => {
    const path = temporaryFile("ca.pem");
    writeFileSync(path, authority.certificate);
    expect(await sendText(sendWith({ rootCa: path }), url)).toBe("nobody");
  });
  it.each([
    ["/no/such/file", "neither PEM nor the path of a file"],
    ["-----BEGIN CERTIFICATE-----\nxyz\n-----END CERTIFICATE-----", "not a certificate"],
  ])("%j cannot be used, and that shows at once", (rootCa, why) => {
    expect(() => sendWith({ rootCa })).toThrow(new RegExp(why, "i"));
  });
});

describe("bindings.http with certificates", () => {
  it("shows its certificate", async () => {
    const settings = {
      url,
      MTLSRootCA: authority.certificate,
      MTLSClientCert: client.certificate,
      MTLSClientKey: client.privateKey,
    };
    const binding = await openComponent(output, settings, testHost({ sendWith }));
    const answer = await binding.invoke(
      "get",
      { data: "", metadata: {} },
      { signal: AbortSignal.timeout(5000) },
    );
    expect(new TextDecoder().decode(answer?.data as Uint8Array)).toBe("client");
  });
});
