import { hash } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { createWaitMetrics, type WaitMetrics } from "#targets/kubernetes/wait-metrics.ts";
import type { App } from "#core/kernel/app.ts";
import type { Clock } from "#core/ports/platform.ts";
import { createBadTokens } from "#core/identity/bad-tokens.ts";
import { createPodAuthentication } from "#targets/kubernetes/group/pod-authentication.ts";
import type { CallingPod } from "#targets/kubernetes/group/pod-index.ts";
import { clock as realClock } from "#targets/node/clock.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

const sha = (token: string): string => hash("sha256", token, "hex");
const app = (appId: string): App => ({ appId }) as App;
const pod = (
  uid: string,
  token: string,
  ips: readonly string[],
  more: Partial<CallingPod> = {},
): CallingPod => ({
  uid,
  ips,
  hostNetwork: false,
  tokenHashes: [sha(token)],
  app: app(uid),
  ...more,
});
function podAuthentication(
  more: {
    readonly readToken?: (token: string) => Promise<{ podUid: string } | undefined>;
    readonly checkSourceIp?: boolean;
    readonly waitMetrics?: WaitMetrics;
    readonly clock?: Clock;
  } = {},
) {
  const { clock = realClock } = more;
  const made = createPodAuthentication({
    clock,
    badTokens: createBadTokens(clock),
    hostIps: ["10.0.0.1"],
    checkSourceIp: more.checkSourceIp ?? true,
    readToken: more.readToken,
    waitMetrics: more.waitMetrics ?? createWaitMetrics(fakeClock()),
  });
  made.isCurrent = true;
  return made;
}
const call = (token: string | undefined, remoteAddress: string, isOpen = false) => ({
  token,
  remoteAddress,
  isOpen,
});

describe("who calls on a port that apps share", () => {
  it("the pod whose token is shown, from its own address", () => {
    const { put, find } = podAuthentication();
    put(pod("a", "secret", ["10.244.0.5"]));
    expect(find(call("secret", "10.244.0.5"))).toEqual(app("a"));
  });
  it("a token that was stolen is no use from another pod, from the node, or from elsewhere", () => {
    const { put, find } = podAuthentication();
    put(pod("a", "secret", ["10.244.0.5"]));
    put(pod("b", "other", ["10.244.0.6"]));
    for (const address of ["10.244.0.6", "10.0.0.1", "192.0.2.9"])
      expect(find(call("secret", address))).toMatchObject({ status: 403 });
  });
  it("an address alone is nobody's call, but for health", () => {
    const { put, find } = podAuthentication();
    put(pod("a", "secret", ["10.244.0.5"]));
    expect(find(call(undefined, "10.244.0.5"))).toMatchObject({ status: 401 });
    expect(find(call(undefined, "10.244.0.5", true))).toEqual(app("a"));
    expect(find(call(undefined, "10.244.0.9", true))).toMatchObject({ status: 401 });
  });
  it("a pod calls before its address is known, but not from one that is another's", async () => {
    const { put, find } = podAuthentication();
    put(pod("a", "secret", []));
    put(pod("b", "other", ["10.244.0.6"]));
    expect(find(call("secret", "10.244.0.5"))).toEqual(app("a"));
    // It may have been the other's until a moment ago: news are waited for.
    const [foreign, host] = [find(call("secret", "10.244.0.6")), find(call("secret", "10.0.0.1"))];
    expect(await foreign).toMatchObject({ status: 403 });
    expect(await host).toMatchObject({ status: 403 });
  });
  it("a pod that has the address of one that just ended is let in with the news of that end", async () => {
    const { put, remove, find } = podAuthentication();
    put(pod("old", "other", ["10.244.0.6"]));
    put(pod("new", "secret", []));
    const found = find(call("secret", "10.244.0.6"));
    remove("old");
    expect(await found).toEqual(app("new"));
  });
  it("pods of the host's network call from any address of their node", () => {
    const { put, find } = podAuthentication();
    put(pod("h", "secret", ["10.0.0.7", "fd00::7"], { hostNetwork: true }));
    expect(find(call("secret", "fd00::7"))).toEqual(app("h"));
    expect(find(call("secret", "10.244.0.5"))).toMatchObject({ status: 403 });
  });
  it("when too many wait for news the next is told to try again, not that its token is bad", async () => {
    const { find } = podAuthentication();
    const all = Array.from({ length: 1001 }, (_, i) =>
      find(call(`t${i}`, `10.1.${i >> 8}.${i & 255}`)),
    );
    expect(await all.at(-1)).toMatchObject({ status: 503 });
    expect(await all[0]).toMatchObject({ status: 401 });
  });
  it("pods of the host's network call from the node's address", () => {
    const { put, find } = podAuthentication();
    put(pod("h", "secret", ["10.0.0.1"], { hostNetwork: true }));
    expect(find(call("secret", "10.0.0.1"))).toEqual(app("h"));
    expect(find(call("secret", "10.244.0.6"))).toMatchObject({ status: 403 });
  });
  it("an address that is used again at once is the next pod's", () => {
    const { put, remove, find } = podAuthentication();
    put(pod("a", "secret", ["10.244.0.5"]));
    put(pod("b", "other", ["10.244.0.5"]));
    remove("a");
    expect(find(call("other", "10.244.0.5"))).toEqual(app("b"));
    expect(find(call(undefined, "10.244.0.5", true))).toEqual(app("b"));
  });
  it("a token ends with its pod", async () => {
    const { put, remove, find } = podAuthentication();
    put(pod("a", "secret", ["10.244.0.5"]));
    remove("a");
    expect(await find(call("secret", "10.244.0.5"))).toMatchObject({ status: 401 });
  });
  it("an unknown token of a known address is refused at once, and guessing is slowed down", async () => {
    const { put, find } = podAuthentication();
    put(pod("a", "secret", ["10.244.0.5"]));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => find(call(`guess ${i}`, "10.244.0.5"))),
    );
    const statuses = answers.map((answer) => "status" in answer && answer.status);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
    expect(statuses.at(-1)).toBe(429);
    expect(find(call("secret", "10.244.0.5"))).toEqual(app("a"));
  });
  it("a call that is faster than the news of its pod waits for it", async () => {
    const { put, find } = podAuthentication();
    const found = find(call("secret", "10.244.0.5"));
    put(pod("z", "unrelated", ["10.244.0.7"]));
    put(pod("a", "secret", []));
    expect(await found).toEqual(app("a"));
  });
  describe("while there is no news", () => {
    function withoutNews() {
      const clock = fakeClock();
      const made = podAuthentication({ clock });
      made.isCurrent = false;
      const settled = vi.fn<() => void>();
      const found = Promise.resolve(made.find(call("secret", "10.244.0.5")));
      void found.then(settled);
      return { clock, made, found, settled };
    }

    it("a call with an unknown token waits for some, and is then told to try again", async () => {
      const { clock, found, settled } = withoutNews();
      for (let i = 0; i < 14; i++) await clock.advance(1000);
      expect(settled).not.toHaveBeenCalled();
      await clock.advance(1000);
      expect(await found).toMatchObject({ status: 503 });
    });
    it("its pod may be told of at last", async () => {
      const { clock, made, found, settled } = withoutNews();
      for (let i = 0; i < 9; i++) await clock.advance(1000);
      expect(settled).not.toHaveBeenCalled();
      made.put(pod("a", "secret", ["10.244.0.5"]));
      expect(await found).toEqual(app("a"));
    });
    it("it is refused when there is news again, and none of its pod", async () => {
      const { clock, made, found } = withoutNews();
      for (let i = 0; i < 3; i++) await clock.advance(1000);
      made.isCurrent = true;
      await clock.advance(1000);
      expect(await found).toMatchObject({ status: 401 });
    });
  });
  it("a call waits for the components of its app", async () => {
    const { put, find } = podAuthentication();
    const opening = Promise.withResolvers<App>();
    put(pod("a", "secret", ["10.244.0.5"], { app: opening.promise }));
    const found = find(call("secret", "10.244.0.5"));
    opening.resolve(app("a"));
    expect(await found).toEqual(app("a"));
  });
  it("what waits is counted, and nothing else", async () => {
    let now = 0;
    const waitMetrics = createWaitMetrics({ monotonic: () => now });
    const { put, find } = podAuthentication({ waitMetrics });
    const early = find(call("secret", "10.244.0.5"));
    await new Promise(setImmediate);
    now = 250;
    const opening = Promise.withResolvers<App>();
    put(pod("a", "secret", ["10.244.0.5"], { app: opening.promise }));
    await new Promise(setImmediate);
    const during = find(call("secret", "10.244.0.5"));
    now = 1250;
    opening.resolve(app("a"));
    expect([await early, await during]).toEqual([app("a"), app("a")]);
    put(pod("b", "other", ["10.244.0.6"]));
    await find(call("other", "10.244.0.6"));
    await find(call("bad", "10.244.0.6"));
    const text = waitMetrics.text({ group: "shop" });
    expect(text).toContain('outrigger_held_calls_total{reason="pod",group="shop"} 1\n');
    expect(text).toContain('outrigger_held_calls_total{reason="components",group="shop"} 2\n');
    expect(text).toContain('outrigger_held_calls_total{reason="group",group="shop"} 0\n');
    expect(text).toMatch(
      /outrigger_held_seconds_total\{reason="pod",group="shop"\} (?:0\.25|1\.25)\n/,
    );
  });
  it("a token that nobody can read now is to be shown again", async () => {
    const { put, find } = podAuthentication({
      readToken: () => Promise.reject(new Error("no keys")),
    });
    put(pod("a", "secret", ["10.244.0.5"]));
    expect(await find(call("jwt of a", "10.244.0.5"))).toMatchObject({ status: 503 });
    expect(find(call("secret", "10.244.0.5"))).toEqual(app("a"));
  });
  it("a service-account token is its pod's, from its pod's address only", async () => {
    const { put, find } = podAuthentication({
      readToken: async (token) => (token === "jwt of a" ? { podUid: "a" } : undefined),
    });
    put(pod("a", "secret", ["10.244.0.5"]));
    put(pod("b", "other", ["10.244.0.6"]));
    expect(await find(call("jwt of a", "10.244.0.5"))).toEqual(app("a"));
    expect(await find(call("jwt of a", "10.244.0.6"))).toMatchObject({ status: 403 });
    expect(await find(call("jwt of c", "10.244.0.6"))).toMatchObject({ status: 401 });
  });
  it("where addresses say nothing the token counts alone", () => {
    const { put, find } = podAuthentication({ checkSourceIp: false });
    put(pod("a", "secret", ["10.244.0.5"]));
    expect(find(call("secret", "10.244.0.1"))).toEqual(app("a"));
  });
  it("replicas that bring one token of their own are told apart by their addresses", () => {
    const { put, find } = podAuthentication();
    put(pod("a", "shared", ["10.244.0.5"]));
    put(pod("b", "shared", ["10.244.0.6"]));
    expect(find(call("shared", "10.244.0.6"))).toEqual(app("b"));
    expect(find(call("shared", "10.244.0.7"))).toMatchObject({ status: 403 });
  });
});
