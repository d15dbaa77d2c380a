import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ProfileServers, serveProfiles } from "#targets/node/metrics/profiling.ts";

describe("profiles", () => {
  let servers: ProfileServers;
  let base: string;
  beforeAll(async () => {
    servers = await serveProfiles([0]);
    base = `http://127.0.0.1:${servers.ports[0]}/debug/pprof`;
  });
  afterAll(() => servers[Symbol.asyncDispose]());

  test("a CPU profile is one that tools open", async () => {
    const answer = await fetch(`${base}/profile?seconds=0.05`);
    const profile = (await answer.json()) as { nodes: unknown[]; startTime: number };
    expect(profile.nodes.length).toBeGreaterThan(0);
    expect(profile.startTime).toBeGreaterThan(0);
  });
  test("a heap snapshot is one that tools open", async () => {
    const snapshot = (await (await fetch(`${base}/heap`)).json()) as { snapshot: unknown };
    expect(snapshot).toHaveProperty("snapshot.meta");
  }, 60_000);
  for (const [path, status] of [
    ["/profile?seconds=0", 400],
    ["/profile?seconds=soon", 400],
    ["/profile?seconds=1e9", 400],
    ["/nope", 404],
    ["/", 200],
  ] as const)
    test(`${path} answers ${status}`, async () => {
      expect((await fetch(base + path)).status).toBe(status);
    });
  test("a page that reached this machine by another name gets nothing", async () => {
    const status = await new Promise((resolve, reject) => {
      request(`${base}/heap`, { headers: { host: "evil.example" } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .once("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });
  test("one at a time", async () => {
    const first = fetch(`${base}/profile?seconds=0.5`);
    const answers = [first, ...[1, 2, 3].map(() => fetch(`${base}/profile?seconds=0.5`))];
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
    expect(statuses).toContain(200);
  });
  test("a port that is taken names the flag", async () => {
    await expect(serveProfiles(servers.ports)).rejects.toThrow(/--profile-port/);
  });
});
