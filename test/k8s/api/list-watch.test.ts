import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ListWatch, listWatch, type Watched } from "#k8s/api/list-watch.ts";
import type { Pod } from "#k8s/api/objects.ts";
import type { KubeClient } from "#k8s/api/client.ts";
import { openClient } from "#k8s/api/open-client.ts";
import { kubeApi, type KubeApiDouble } from "#test/doubles/kube-api.ts";
import { eventually } from "#test/support/eventually.ts";
import { fakeClock } from "#test/support/fake-clock.ts";
import { logKeeper, pod, quick } from "./support.ts";

let api: KubeApiDouble;
let client: KubeClient;
let stop: AbortController;
let log: ReturnType<typeof logKeeper>;
let options: ReturnType<typeof quick>;
/** What was told: `+name`, `~name`, `-name`. */
let told: string[];

beforeEach(async () => {
  api = await kubeApi();
  client = openClient(api.access());
  stop = new AbortController();
  log = logKeeper();
  options = quick(log, stop.signal);
  told = [];
});
afterEach(async () => {
  stop.abort();
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

interface Kept {
  readonly name: string;
  readonly ip: string;
}
const pods: Watched<Pod, Kept> = {
  path: "/api/v1/pods",
  keep: ({ metadata, status }) => ({ name: metadata.name ?? "", ip: status?.podIP ?? "" }),
};
function follow(watched: Partial<Watched<Pod, Kept>> = {}): ListWatch<Kept> {
  return listWatch(
    client,
    { ...pods, ...watched },
    {
      put: ({ name }, before) => told.push(`${before === undefined ? "+" : "~"}${name}`),
      remove: ({ name }) => told.push(`-${name}`),
      synced: () => told.push("synced"),
    },
    options,
  );
}
const tells = (...expected: string[]): Promise<unknown> =>
  eventually(() => {
    expect(told).toEqual(expected);
    return true;
  });
const watches = (count: number): Promise<unknown> =>
  eventually(() => api.watches.length === count, { what: `${count} watches` });
const lists = (): number => api.requests.filter(({ query }) => !query.has("watch")).length;

describe("what is there and what changes", () => {
  it("lists, then follows", async () => {
    api.put(pod("a"));
    const held = follow();
    await held.synced;
    expect(told).toEqual(["+a", "synced"]);
    expect([...held.items.keys()]).toEqual(["shop/a"]);
    expect(held.isCurrent()).toBe(true);
    await watches(1);
    api.put(pod("b"));
    api.put(pod("a", { status: { podIP: "10.0.0.1" } }));
    api.remove("/api/v1/namespaces/shop/pods/b");
    await tells("+a", "synced", "+b", "~a", "-b");
    expect([...held.items.values()]).toEqual([{ name: "a", ip: "10.0.0.1" }]);
  });
  it("asks for pages, bookmarks, selectors and a time", async () => {
    follow({ fieldSelector: "spec.nodeName=n1", labelSelector: "app=cart" });
    await watches(1);
    const [list, watch] = api.requests;
    expect(list?.query.toString()).toBe(
      "limit=100&fieldSelector=spec.nodeName%3Dn1&labelSelector=app%3Dcart",
    );
    expect(Object.fromEntries(watch?.query ?? [])).toMatchObject({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: "100",
      timeoutSeconds: "240",
      fieldSelector: "spec.nodeName=n1",
    });
  });
  it("reads all pages, as of one moment", async () => {
    for (let i = 0; i < 201; i++) api.put(pod(`p${i}`));
    const held = follow();
    await held.synced;
    expect(held.items.size).toBe(201);
    expect(lists()).toBe(3);
  });
  it("starts the list again when its pages are too old", async () => {
    for (let i = 0; i < 150; i++) api.put(pod(`p${i}`));
    api.fail({ verb: "list", times: 2, status: 410, reason: "Expired" });
    const held = follow();
    await held.synced;
    expect(held.items.size).toBe(150);
    expect(options.pauses).toEqual([500]);
  });
  it("says what kind the items of a list are, as watches do", async () => {
    const kinds: unknown[] = [];
    api.put(pod("a"));
    const held = follow({
      keep: ({ apiVersion, kind }) => {
        kinds.push([apiVersion, kind]);
        return undefined;
      },
    });
    await held.synced;
    await watches(1);
    api.put(pod("b"));
    await eventually(() => kinds.length === 2);
    expect(kinds).toEqual([
      ["v1", "Pod"],
      ["v1", "Pod"],
    ]);
  });
  it("an object that is no longer selected, or no longer kept, is removed", async () => {
    const held = follow({
      fieldSelector: "spec.nodeName=n1",
      keep: (object) => (object.status?.phase === "Succeeded" ? undefined : pods.keep(object)),
    });
    await held.synced;
    await watches(1);
    api.put(pod("other", { spec: { nodeName: "n2" } }));
    api.put(pod("a", { spec: { nodeName: "n1" } }));
    api.put(pod("b", { spec: { nodeName: "n1" } }));
    api.put(pod("a", { spec: { nodeName: "n2" } }));
    api.put(pod("b", { spec: { nodeName: "n1" }, status: { phase: "Succeeded" } }));
    await tells("synced", "+a", "+b", "-a", "-b");
    expect(held.items.size).toBe(0);
  });
  it("an object made anew under its name is another one", async () => {
    api.put(pod("a", { uid: "1" }));
    const held = follow();
    await held.synced;
    await watches(1);
    api.remove("/api/v1/namespaces/shop/pods/a");
    api.put(pod("a", { uid: "2" }));
    await tells("+a", "synced", "-a", "+a");
  });
  it("keys of what has no namespace are names", async () => {
    api.put({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
    const held = follow({ path: "/api/v1/nodes" });
    await held.synced;
    expect([...held.items.keys()]).toEqual(["n1"]);
  });
});

describe("a watch that ends", () => {
  it("goes on where it was, after bookmarks too, without a list", async () => {
    const held = follow();
    await held.synced;
    await watches(1);
    api.put({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
    api.bookmark();
    api.put(pod("a"));
    await tells("synced", "+a");
    api.bookmark();
    await new Promise((resolve) => setTimeout(resolve, 20));
    api.watches[0]?.end();
    api.put(pod("b"));
    await tells("synced", "+a", "+b");
    expect(lists()).toBe(1);
    expect(held.isCurrent()).toBe(true);
    expect(api.requests.at(-1)?.query.get("resourceVersion")).toBe("102");
    expect(log.lines).toEqual([]);
  });
  it("goes on after a cut in the middle of a line, of which nothing is taken", async () => {
    const held = follow();
    await held.synced;
    await watches(1);
    api.watches[0]?.write('{"type":"ADDED","object":{"metadata":{"name":"half"');
    await new Promise((resolve) => setTimeout(resolve, 20));
    api.watches[0]?.cut();
    api.put(pod("a"));
    await tells("synced", "+a");
    expect(lists()).toBe(1);
  });
  it("does not turn in a circle with a server that ends each watch at once", async () => {
    const held = follow();
    await held.synced;
    api.fail({ verb: "watch", times: 5, text: "" });
    await watches(1);
    api.watches[0]?.end();
    await eventually(() => api.requests.filter(({ query }) => query.has("watch")).length >= 7);
    expect(options.pauses.slice(0, 5)).toEqual([250, 500, 1000, 2000, 4000]);
    await eventually(() => held.isCurrent());
  });
});

describe("410: the past is forgotten", () => {
  for (const how of ["as an event", "as a status"])
    it(`${how}: lists anew, and tells the difference, removals first`, async () => {
      for (const name of ["same", "changed", "gone", "remade"]) api.put(pod(name));
      const held = follow();
      await held.synced;
      await watches(1);
      told.length = 0;
      if (how === "as a status") api.fail({ verb: "watch", status: 410, reason: "Expired" });
      api.watches[0]?.freeze();
      api.put(pod("changed", { status: { podIP: "10.0.0.9" } }));
      api.remove("/api/v1/namespaces/shop/pods/gone");
      api.remove("/api/v1/namespaces/shop/pods/remade");
      api.put(pod("remade"));
      api.put(pod("new"));
      api.compact();
      api.watches[0]?.end();
      await eventually(() => told.length === 5);
      expect(told.slice(0, 2).toSorted()).toEqual(["-gone", "-remade"]);
      expect(told.slice(2).toSorted()).toEqual(["+new", "+remade", "~changed"]);
      expect(held.items.size).toBe(4);
      expect(lists()).toBe(2);
      await eventually(() => held.isCurrent());
      expect(log.lines.filter((line) => !line.startsWith("debug"))).toEqual([]);
    });
  it("again and again: with pauses", async () => {
    const held = follow();
    await held.synced;
    await watches(1);
    api.fail({ verb: "watch", times: 4, status: 410 });
    api.watches[0]?.write(
      '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n',
    );
    await eventually(() => lists() === 6);
    // The first one after a time of health is answered at once.
    expect(options.pauses).toEqual([500, 1000, 2000, 4000]);
  });
});

describe("a server in trouble", () => {
  it("429: waits as long as it was asked to", async () => {
    api.fail({ verb: "list", status: 429, reason: "TooManyRequests", retryAfterSeconds: 7 });
    const held = follow();
    await held.synced;
    expect(options.pauses).toEqual([7000]);
    await watches(1);
    api.watches[0]?.write(
      '{"type":"ERROR","object":{"code":429,"details":{"retryAfterSeconds":3}}}\n',
    );
    await eventually(() => options.pauses.length === 2);
    expect(options.pauses[1]).toBe(3000);
  });
  it("goes on where it was after a server that was away or too busy, without a list", async () => {
    const held = follow();
    await held.synced;
    await watches(1);
    for (const status of [503, 500, 429, 504, 401]) api.fail({ verb: "watch", status, times: 3 });
    api.fail({ verb: "watch", cut: true, times: 4 });
    api.watches[0]?.cut();
    api.put(pod("a"));
    await eventually(() => !held.isCurrent());
    await tells("synced", "+a");
    expect(held.isCurrent()).toBe(true);
    const asked = api.requests.filter(({ query }) => query.has("watch"));
    expect(asked).toHaveLength(21);
    expect(new Set(asked.map(({ query }) => query.get("resourceVersion"))).size).toBe(1);
    expect(lists()).toBe(1);
  });
  it("away for so long that the past is forgotten: lists as soon as it is told", async () => {
    api.put(pod("a"));
    const held = follow();
    await held.synced;
    await watches(1);
    await api.stop();
    await eventually(() => options.pauses.length > 3);
    api.remove("/api/v1/namespaces/shop/pods/a");
    api.compact();
    await api.start();
    await tells("+a", "synced", "-a");
    await eventually(() => held.isCurrent());
    expect(lists()).toBe(2);
    // Each pause was for the server that was away.
    expect(options.pauses).toEqual(options.pauses.map((_, at) => Math.min(15_000, 250 * 2 ** at)));
  });
  for (const [what, fault] of [
    ["is of the future", { status: 504, reason: "Timeout", message: "Too large resource version" }],
    ["is refused again and again", { status: 400, reason: "BadRequest", times: 3 }],
    ["is nobody's again and again", { status: 404, reason: "NotFound", times: 3 }],
  ] as const)
    it(`a version that ${what} is left behind by a list`, async () => {
      const held = follow();
      await held.synced;
      await watches(1);
      api.fail({ verb: "watch", ...fault });
      api.watches[0]?.cut();
      await eventually(() => lists() === 2);
      api.put(pod("a"));
      await tells("synced", "+a");
      await eventually(() => held.isCurrent());
    });
  it("500: backs off to 30 s, says it once, and says when it is over", async () => {
    api.fail({ verb: "list", times: 9, status: 500, message: "etcd is away" });
    const held = follow();
    await held.synced;
    expect(options.pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    const said = log.lines.filter((line) => !line.startsWith("debug"));
    expect(said).toEqual([
      `warn: Lost the watch (/api/v1/pods): GET ${api.url}/api/v1/pods: 500: etcd is away`,
      "info: /api/v1/pods is watched again",
    ]);
  });
  it("away at the start: is there when it is", async () => {
    await api.stop();
    const held = follow();
    await eventually(() => options.pauses.length > 2);
    expect(held.isCurrent()).toBe(false);
    expect(log.lines[0]).toMatch(/^warn: Lost the watch .*ECONNREFUSED/);
    api.put(pod("a"));
    await api.start();
    await held.synced;
    expect(told).toEqual(["+a", "synced"]);
    expect(held.isCurrent()).toBe(true);
  });
  it("away in between: keeps what it has, is not current, and goes on", async () => {
    api.put(pod("a"));
    api.put(pod("b"));
    const held = follow();
    await held.synced;
    await watches(1);
    await api.stop();
    await eventually(() => !held.isCurrent());
    expect(held.items.size).toBe(2);
    api.remove("/api/v1/namespaces/shop/pods/a");
    await eventually(() => options.pauses.length > 4);
    expect(held.items.size).toBe(2);
    await api.start();
    await tells("+a", "+b", "synced", "-a");
    await eventually(() => held.isCurrent());
  });
  for (const [name, text] of [
    ["is not valid JSON", "{garbage}\n"],
    ["is JSON, but no event", '[1]\n{"type":1}\n'],
    ["has an object without a name", '{"type":"ADDED","object":{"kind":"Pod"}}\n'],
    ["is too long", `${"x".repeat(5 * 1024 * 1024)}\n`],
    ["has no end", "y".repeat(5 * 1024 * 1024)],
  ] as const)
    it(`a line that ${name} ends the connection, and nothing is missed`, async () => {
      const held = follow();
      await held.synced;
      await watches(1);
      api.watches[0]?.write(text);
      await eventually(() => log.lines.some((line) => line.startsWith("warn: Lost the watch")));
      api.put(pod("a"));
      await tells("synced", "+a");
      expect(lists()).toBe(1);
    });
  it("what cannot be read again and again is left behind by a list", async () => {
    const held = follow();
    await held.synced;
    await watches(1);
    api.put(pod("a"));
    api.fail({ verb: "watch", times: 3, text: "{garbage}\n" });
    api.watches[0]?.cut();
    await eventually(() => lists() === 2);
    await tells("synced", "+a");
  });
  for (const text of ["{}", "null", "[]", '{"metadata":{"resourceVersion":"1"},"items":7}', "no"])
    it(`a list that is none is asked for again: ${text}`, async () => {
      api.put(pod("a"));
      api.fail({ verb: "list", text });
      const held = follow();
      await held.synced;
      expect(held.items.size).toBe(1);
      expect(options.pauses).toEqual([250]);
    });
  it("an event of a type that nobody knows yet is passed over", async () => {
    const held = follow();
    await held.synced;
    await watches(1);
    api.watches[0]?.write(
      '{"type":"NEW","object":{"metadata":{"name":"x","resourceVersion":"9999"}}}\n',
    );
    api.put(pod("a"));
    await tells("synced", "+a");
    expect(lists()).toBe(1);
  });
});

describe("rights", () => {
  for (const code of [403, 404])
    it(`${code}: tries slowly, says once what is missing, and goes on when it is there`, async () => {
      const heal = api.fail({ verb: "list", times: 1000, status: code, reason: "Missing" });
      let isDone = false;
      const held = follow();
      void held.synced.then(() => {
        isDone = true;
      });
      await eventually(() => options.pauses.length === 3);
      expect(options.pauses).toEqual([30_000, 30_000, 30_000]);
      expect(isDone).toBe(false);
      const said = log.lines.filter((line) => !line.startsWith("debug"));
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(code === 403 ? /list and watch/ : /CustomResourceDefinition/);
      heal();
      await held.synced;
      expect(log.lines.at(-1)).toBe("info: /api/v1/pods is watched again");
    });
  it("taken away in between: what is held stays", async () => {
    api.put(pod("a"));
    const held = follow();
    await held.synced;
    await watches(1);
    api.isAllowed = () => false;
    api.watches[0]?.cut();
    await eventually(() => log.lines.some((line) => /cannot watch resource "pods"/.test(line)));
    expect(held.isCurrent()).toBe(false);
    expect(held.items.size).toBe(1);
  });
});

describe("what is wrong on this side", () => {
  it("a handler or a `keep` that throws is logged, and ends nothing", async () => {
    const seen: string[] = [];
    const held = listWatch<Pod, string>(
      client,
      {
        path: "/api/v1/pods",
        keep: ({ metadata }) => {
          if (metadata.name === "bad") throw new Error("unreadable");
          return metadata.name;
        },
      },
      {
        put: (name) => {
          seen.push(name);
          throw new Error("no room");
        },
        remove: () => {
          throw new Error("not there");
        },
        synced: () => {
          throw new Error("not ready");
        },
      },
      options,
    );
    api.put(pod("a"));
    await held.synced;
    await watches(1);
    api.put(pod("bad"));
    api.remove("/api/v1/namespaces/shop/pods/a");
    api.put(pod("b"));
    await eventually(() => seen.includes("b"));
    expect(log.lines).toEqual([
      "error: Could not take shop/a: Error: no room",
      "error: Could not take the first list of /api/v1/pods: Error: not ready",
      "error: Could not read shop/bad: Error: unreadable",
      "error: Could not remove shop/a: Error: not there",
      "error: Could not take shop/b: Error: no room",
    ]);
    expect(held.isCurrent()).toBe(true);
  });
  it("stops with its signal, and when disposed of", async () => {
    const first = follow();
    const second = follow();
    await Promise.all([first.synced, second.synced]);
    await watches(2);
    first[Symbol.dispose]();
    await watches(1);
    expect(first.isCurrent()).toBe(false);
    stop.abort();
    await watches(0);
    expect(log.lines).toEqual([]);
  });
  it("stopped before the first list, `synced` rejects", async () => {
    await api.stop();
    const held = follow();
    stop.abort(new Error("over"));
    await expect(held.synced).rejects.toThrow("over");
  });
});

describe("dead connections", () => {
  it("90 s without a byte: another connection, and nothing is missed; bookmarks keep one alive", async () => {
    const clock = fakeClock();
    const held = listWatch(
      client,
      pods,
      { put: ({ name }) => told.push(`+${name}`), remove: () => {} },
      { ...options, clock },
    );
    await held.synced;
    await watches(1);
    const first = api.watches[0];
    await clock.advance(80_000);
    api.bookmark();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await clock.advance(80_000);
    expect(api.watches[0]).toBe(first);
    first?.freeze();
    api.put(pod("a"));
    await clock.advance(11_000);
    await tells("+a");
    expect(api.watches).toHaveLength(1);
    expect(api.watches[0]).not.toBe(first);
    expect(lists()).toBe(1);
  });
  it("90 s without a byte from its beginning: lists, where a server sends bookmarks", async () => {
    const clock = fakeClock();
    const held = listWatch(
      client,
      pods,
      { put: ({ name }) => told.push(`+${name}`), remove: ({ name }) => told.push(`-${name}`) },
      { ...options, clock },
    );
    api.put(pod("a"));
    await held.synced;
    await watches(1);
    const silent = async (): Promise<void> => {
      const [before] = api.watches;
      before?.freeze();
      await clock.advance(91_000);
      await eventually(() => api.watches.length === 1 && api.watches[0] !== before);
    };
    // One that has none says nothing by it.
    await silent();
    expect(lists()).toBe(1);
    api.bookmark();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await silent();
    expect(lists()).toBe(1);
    // A store that was restored: it is at an older version than this watch, and tells it of nothing.
    api.watches[0]?.freeze();
    api.remove("/api/v1/namespaces/shop/pods/a");
    await silent();
    expect(lists()).toBe(2);
    expect(told).toEqual(["+a", "-a"]);
  });
});
