import { describe, expect, it } from "vitest";
import { loadAppConfiguration } from "#core/hosting/app-configuration.ts";
import { appConfiguration } from "#core/kernel/app-configuration.ts";
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
  const { answer: kept } = app.part(appConfiguration);
  return { asked, answer: kept, lines: lines.map(({ level, message }) => `${level} ${message}`) };
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
  it("is kept for the blocks that it is about", async () => {
    const { answer } = await load(says('{"entities":["Cart"],"actorIdleTimeout":"1h"}'));
    expect(answer).toEqual({ entities: ["Cart"], actorIdleTimeout: "1h" });
    expect((await load(says("not for you", 404))).answer).toBeUndefined();
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
