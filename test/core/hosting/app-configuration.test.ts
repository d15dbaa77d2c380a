import { describe, expect, it } from "vitest";
import { loadAppConfiguration } from "#core/hosting/app-configuration.ts";
import type { PlainRequest, PlainResponse } from "#core/ports/platform.ts";
import { fakeApp } from "#test/support/fake-app.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { testHost } from "#test/support/host.ts";

async function load(
  answer: () => Promise<PlainResponse>,
  { protocol = "http", isWanted = true, signal = new AbortController().signal } = {},
) {
  const asked: PlainRequest[] = [];
  const app = fakeApp({
    appId: "cart",
    appToken: "secret",
    channel: {
      send: (request) => {
        asked.push(request);
        return answer();
      },
    },
    connection: { protocol, maxConcurrency: -1, port: 0, channelAddress: "" } as never,
  });
  const { log, lines } = testHost();
  await loadAppConfiguration(app, isWanted, { log, clock: fakeClock() }, { signal });
  return { asked, lines: lines.map(({ level, message }) => `${level} ${message}`) };
}
const says =
  (body: string, status = 200) =>
  async () => ({ status, headers: [], body });
const loaded = "info Application configuration loaded";

describe("an app's own configuration", () => {
  it("is asked of an HTTP app, by its name and with its token", async () => {
    const { asked, lines } = await load(says("{}"));
    expect(asked).toEqual([
      {
        method: "GET",
        path: "/dapr/config",
        headers: [
          "content-type",
          "application/json",
          "dapr-app-id",
          "cart",
          "dapr-api-token",
          "secret",
        ],
      },
    ]);
    expect(lines).toEqual([loaded]);
  });
  it("is not asked of one that speaks gRPC, nor where nobody wants it", async () => {
    expect((await load(says("{}"), { protocol: "grpc" })).asked).toEqual([]);
    const { asked, lines } = await load(says("{}"), { isWanted: false });
    expect(asked).toEqual([]);
    expect(lines).toEqual([expect.stringMatching(/^warn Skipping programmatic dapr conf/)]);
  });
  it("may name actors, which are not there yet", async () => {
    const { lines } = await load(says('{"entities":["Cart",7,"Order"],"actorIdleTimeout":"1h"}'));
    expect(lines[1]).toMatch(/^warn The app has actors \(Cart, Order\), which/);
  });
  it("may name very many of them, of which the log shows some", async () => {
    const entities = Array.from({ length: 5000 }, (_, i) => `${i}${"x".repeat(150)}`);
    const { lines } = await load(says(JSON.stringify({ entities })));
    expect(lines[1]?.length).toBeLessThan(2500);
  });
  it("keeps no app from starting, whatever it is", async () => {
    for (const body of ["", "null", "[]", '{"entities":{"a":1}}'])
      expect((await load(says(body))).lines).toEqual([loaded]);
    for (const answer of [says("{"), () => Promise.reject(new Error("reset"))])
      expect((await load(answer)).lines).toEqual([
        expect.stringMatching(/^debug The app did not answer GET/),
      ]);
    expect((await load(says(`"${"x".repeat(1_048_577)}"`))).lines).toEqual([loaded]);
    expect((await load(says("nothing here", 404))).lines).toEqual([loaded]);
  });
});
