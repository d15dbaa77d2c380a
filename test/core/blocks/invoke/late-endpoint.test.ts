import { expect, it } from "vitest";
import { loadEndpoints } from "#core/hosting/load-endpoints.ts";
import type { HttpEndpointDocument } from "#core/resources/http-endpoint.ts";
import { parseDocuments } from "#core/resources/parse.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { silent } from "../../api.ts";

it("an HTTPEndpoint asks for a secret that it could not have at most once a second, until it has it", async () => {
  const clock = fakeClock();
  let asked = 0;
  let value: string | undefined;
  const { documents } = parseDocuments(
    JSON.stringify({
      apiVersion: "dapr.io/v1alpha1",
      kind: "HTTPEndpoint",
      metadata: { name: "out" },
      spec: {
        baseUrl: "http://h",
        headers: [{ name: "key", secretKeyRef: { name: "s", key: "k" } }],
      },
    }),
    "out.yaml",
  );
  const get = async (): Promise<Record<string, string> | undefined> => {
    asked++;
    return value === undefined ? undefined : { k: value };
  };
  const { endpoints, faults } = await loadEndpoints(
    { appId: "a", namespace: "" },
    documents as readonly HttpEndpointDocument[],
    { get: () => ({ port: { get } }) as never },
    { env: {}, clock, log: silent },
  );
  expect(faults).toMatchObject([{ kind: "HTTPEndpoint", name: "out", file: "out.yaml" }]);
  const out = endpoints.get("out");
  const lookUp = async (): Promise<unknown> => out?.lookUp?.();
  await expect(lookUp()).rejects.toThrow("has no key");
  value = "v";
  await clock.advance(999);
  await expect(lookUp()).rejects.toThrow("has no key");
  expect(asked).toBe(2);
  await clock.advance(1);
  expect(await Promise.all([lookUp(), lookUp()])).toMatchObject([
    { name: "out", baseUrl: "http://h", headers: ["key", "v"] },
    { headers: ["key", "v"] },
  ]);
  await clock.advance(60_000);
  await lookUp();
  expect(asked).toBe(3);
});
