import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { createAddressGuard } from "#core/outbound/address-guard.ts";
import { guardedLookup } from "#targets/node/outbound/guarded-lookup.ts";
import { outsideFetch, outsideSend } from "#targets/node/outbound/outside.ts";
import { sendText } from "#test/support/send-text.ts";
import { nodeRuntime } from "#test/support/node-runtime.ts";

describe("a name", () => {
  const guard = createAddressGuard({});
  it("that resolves to an address of the link is not connected to", async () => {
    const how = {
      lookup: guardedLookup(guard, (_name, _options, done) =>
        done(null, [
          { address: "127.0.0.1", family: 4 },
          { address: "169.254.169.254", family: 4 },
        ]),
      ),
    };
    const url = "http://rebinding.example:8099/";
    const failure = await outsideFetch(how)(url).catch((reason: Error) => reason);
    const why = "169.254.169.254 is refused: link-local";
    expect(String((failure as Error).cause)).toContain(why);
    await expect(sendText(outsideSend(how), url)).rejects.toThrow(why);
  });
  it("that does not is", async () => {
    const server = createServer((_request, response) => response.end("here"));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    const how = { lookup: guardedLookup(guard) };
    const url = `http://localhost:${port}/`;
    expect(await (await outsideFetch(how)(url)).text()).toBe("here");
    expect(await sendText(outsideSend(how), url)).toBe("here");
    server.closeAllConnections();
    server.close();
  });
});

describe("a runtime", () => {
  it("refuses invocations by URL, HTTPEndpoints and HTTP bindings that lead to metadata, in the words of each API", async () => {
    const texts = [
      `apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata: { name: cloud }\nspec: { baseUrl: "http://169.254.169.254" }`,
      `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: bind }\nspec: { type: bindings.http, version: v1, metadata: [{ name: url, value: "http://[::ffff:a9fe:a9fe]/" }] }`,
    ];
    const runtime = await nodeRuntime({
      inlineResources: texts.map((text, i) => ({ name: `${i}.yaml`, text })),
    });
    const base = `http://127.0.0.1:${runtime.httpPort}`;
    try {
      for (const path of [
        "/v1.0/invoke/cloud/method/latest",
        "/v1.0/invoke/http://169.254.169.254/method/latest",
        "/v1.0/invoke/http%3A%2F%2F0xa9fea9fe/method/latest",
      ]) {
        const answer = await fetch(base + path);
        expect(answer.status).toBe(500);
        expect(await answer.json()).toMatchObject({
          errorCode: "ERR_DIRECT_INVOKE",
          message: expect.stringContaining("is refused: link-local") as string,
        });
      }
      const bound = await fetch(`${base}/v1.0/bindings/bind`, {
        method: "POST",
        body: '{"operation":"get"}',
      });
      expect(bound.status).toBe(500);
      expect(await bound.json()).toMatchObject({
        errorCode: "ERR_INVOKE_OUTPUT_BINDING",
        message: expect.stringContaining("is refused: link-local") as string,
      });
    } finally {
      await runtime.stop();
    }
  });
});
