import { describe, expect, it } from "vitest";
import { createBuckets } from "#components/middleware-ratelimit/buckets.ts";
import { middleware as manifest } from "#components/middleware-ratelimit/manifest.ts";
import type { HttpMiddleware, PipelineRequest } from "#core/ports/http-middleware.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { openComponent, testHost } from "#test/support/host.ts";
import { through } from "#test/support/through.ts";

const clock = fakeClock();
const open = (rate: string): Promise<HttpMiddleware> =>
  openComponent(manifest, { maxRequestsPerSecond: rate }, testHost({ clock }));
/** Statuses of as many calls. */
const calls = async (
  middleware: HttpMiddleware,
  count: number,
  request: Partial<PipelineRequest> = { remoteAddress: "1.2.3.4" },
): Promise<readonly number[]> => {
  const out: number[] = [];
  for (let i = 0; i < count; i++) out.push((await through(middleware, request)).status);
  return out;
};

describe("middleware.http.ratelimit", () => {
  it("lets as many through at once as a second allows, then refuses", async () => {
    expect(await calls(await open("2"), 4)).toEqual([200, 200, 429, 429]);
  });
  it("gives back with time", async () => {
    const middleware = await open("2");
    await calls(middleware, 2);
    await clock.advance(500);
    expect(await calls(middleware, 2)).toEqual([200, 429]);
    await clock.advance(60_000);
    expect(await calls(middleware, 3)).toEqual([200, 200, 429]);
  });
  it("takes one in some seconds for a rate below one", async () => {
    const middleware = await open("0.5");
    expect(await calls(middleware, 2)).toEqual([200, 429]);
    await clock.advance(2000);
    expect(await calls(middleware, 2)).toEqual([200, 429]);
  });
  it("tells how much is left", async () => {
    const middleware = await open("2");
    const request = { remoteAddress: "1.2.3.4", headers: ["X-Forwarded-For", "9.9.9.9"] };
    const first = await through(middleware, request, {
      status: 201,
      headers: ["x", "y"],
      body: "b",
    });
    expect([first.status, first.body, first.headers.get("x")]).toEqual([201, "b", "y"]);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      "x-rate-limit-limit": "2.00",
      "x-rate-limit-duration": "1",
      "x-rate-limit-request-forwarded-for": "9.9.9.9",
      "x-rate-limit-request-remote-addr": "1.2.3.4",
      "ratelimit-limit": "2",
      "ratelimit-reset": "1",
      "ratelimit-remaining": "1",
    });
    await through(middleware, request);
    const refused = await through(middleware, request);
    expect(refused).toMatchObject({
      status: 429,
      body: "You have reached maximum request limit.",
      passed: undefined,
    });
    expect(refused.headers.get("ratelimit-remaining")).toBe("0");
  });
  it.each<readonly [string, Partial<PipelineRequest>, Partial<PipelineRequest>, boolean]>([
    ["another peer", { remoteAddress: "1.1.1.1" }, { remoteAddress: "1.1.1.2" }, false],
    ["another path", { path: "/a" }, { path: "/b" }, false],
    ["another query", { path: "/a?x=1" }, { path: "/a?x=2" }, true],
    ["another spelling of the path", { path: "/a/b" }, { path: "//a/./%62/" }, true],
    [
      "another client of a proxy",
      { headers: ["x-forwarded-for", "5.5.5.5"] },
      { headers: ["x-forwarded-for", "6.6.6.6"] },
      false,
    ],
    [
      "the last of forwarded addresses",
      { headers: ["x-forwarded-for", "1.1.1.1, 6.6.6.6"] },
      { headers: ["x-forwarded-for", "2.2.2.2,6.6.6.6"] },
      true,
    ],
    [
      "a real address behind a proxy",
      { headers: ["x-real-ip", "5.5.5.5"] },
      { headers: ["x-real-ip", "6.6.6.6"] },
      false,
    ],
    [
      "a network of IPv6",
      { remoteAddress: "2001:db8:1:2::1" },
      { remoteAddress: "2001:0db8:1:2:ffff::9" },
      true,
    ],
    [
      "another network of IPv6",
      { remoteAddress: "2001:db8:1:2::1" },
      { remoteAddress: "2001:db8:1:3::1" },
      false,
    ],
    ["no address at all", {}, { headers: ["x-forwarded-for", ""] }, true],
    [
      "an address that is none",
      { headers: ["x-forwarded-for", "a:b"] },
      { headers: ["x-forwarded-for", "a:c"] },
      false,
    ],
  ])("counts %s", async (_, first, second, together) => {
    const middleware = await open("1");
    expect(await calls(middleware, 1, first)).toEqual([200]);
    expect(await calls(middleware, 1, second)).toEqual([together ? 429 : 200]);
  });
  it("forgets the oldest keys rather than fill the memory", () => {
    const buckets = createBuckets(1, 1, clock);
    expect(buckets.take("first")).toBe(0);
    expect(buckets.take("first")).toBeUndefined();
    for (let i = 0; i < 10_000; i++) buckets.take(String(i));
    expect(buckets.take("first")).toBe(0);
  });
  it("allows 100 a second when nothing is said", async () => {
    const middleware = await openComponent(manifest, {}, testHost({ clock }));
    expect((await through(middleware)).headers.get("ratelimit-limit")).toBe("100");
  });
  it.each(["0", "-1"])("refuses a rate of %s", async (rate) => {
    await expect(open(rate)).rejects.toThrow(
      "metadata property maxRequestsPerSecond must be a positive value",
    );
  });
  it("refuses a rate that is not a number", async () => {
    await expect(open("many")).rejects.toThrow('must be a number, not "many"');
  });
});
