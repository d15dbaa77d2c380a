import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AppServer, appServer } from "#test/support/app-server.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";
import { cases } from "./cases.ts";
import { sendRaw } from "./raw-socket.ts";

let app: AppServer;
let runtime: SidecarProcess;
beforeAll(async () => {
  app = await appServer();
  runtime = await sidecar({
    args: ["--app-id", "hostile", "--app-port", String(app.port), "--log-level", "error"],
  });
  await runtime.healthy();
}, 60_000);
afterAll(async () => {
  await runtime.stop();
  await app[Symbol.asyncDispose]();
});

/** The process still answers, on a connection of its own. */
async function isWell(): Promise<boolean> {
  const { statuses } = await sendRaw(
    runtime.httpPort,
    "GET /v1.0/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  return statuses[0] === 204;
}

describe("the HTTP port", () => {
  it("has at least 100 cases to stand", () => {
    expect(cases.length).toBeGreaterThanOrEqual(100);
  });
  it.concurrent.each(cases)("$name: $outcome", async ({ bytes, outcome, half }) => {
    const { statuses, closed } = await sendRaw(runtime.httpPort, bytes, half ? { half } : {});
    const [first] = statuses.filter((status) => status !== 100);
    const isRefused = first === undefined ? closed : first >= 400;
    if (outcome !== "either")
      expect({ isRefused, first }).toMatchObject({ isRefused: outcome === "refused" });
    // One request was sent, whatever it looks like: one answer.
    expect(statuses.filter((status) => status !== 100).length).toBeLessThanOrEqual(1);
  });
  it("let no request through that stood inside of another, and is well", async () => {
    expect(await app.saw("/smuggled")).toEqual([]);
    expect(await isWell()).toBe(true);
  });
  it("ends a connection on which an upload goes on that nobody wants", async () => {
    const { statuses } = await sendRaw(runtime.httpPort, [
      "POST /v1.0/state/none HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
      ..."x"
        .repeat(20)
        .split("")
        .map((x) => x.repeat(65_536)),
    ]);
    expect(statuses[0]).toBeGreaterThanOrEqual(400);
    expect(await isWell()).toBe(true);
  });
  it("serves requests that follow each other on one connection, each for itself", async () => {
    const get = (path: string): string =>
      `GET /v1.0/invoke/hostile/method/${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const { statuses } = await sendRaw(
      runtime.httpPort,
      get("echo") + get("echo?two") + get("echo?three"),
    );
    expect(statuses).toEqual([201, 201, 201]);
  });
});
