import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createNodeNames } from "#targets/kubernetes/group/node-names.ts";
import { readsSecrets } from "#targets/kubernetes/group/secrets.ts";
import { linkTo, type SupervisorLink } from "#targets/kubernetes/group/supervisor-link.ts";

let channel: EventEmitter & { send(message: unknown): boolean };
let sent: Array<{ readonly id: number; readonly question: string; readonly about: unknown }>;
let link: SupervisorLink;
beforeEach(() => {
  sent = [];
  channel = Object.assign(new EventEmitter(), {
    send: (message: unknown) => sent.push(message as never) > 0,
  });
  link = linkTo(channel);
});
afterEach(() => void vi.useRealTimers());
const answer = (message: object): void =>
  void channel.emit("message", { type: "answer", ...message });

describe("what a group asks its supervisor", () => {
  it("is answered by id, once", async () => {
    const [one, two] = [link.ask("jwks", {}), link.ask("review", { token: "t" })];
    answer({ id: sent[1]?.id, value: { isGood: true } });
    answer({ id: 99, value: "nobody asked" });
    answer({ id: sent[0]?.id, error: { code: 403, message: "no" } });
    answer({ id: sent[0]?.id, value: "late" });
    await expect(one).rejects.toMatchObject({ code: 403, message: "no" });
    expect(await two).toEqual({ isGood: true });
  });
  it("is given up with its signal, before or after, and after a while", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await expect(link.ask("jwks", {}, AbortSignal.abort(new Error("over")))).rejects.toThrow(
      "over",
    );
    expect(sent).toEqual([]);
    const stop = new AbortController();
    const asked = link.ask("jwks", {}, stop.signal);
    stop.abort(new Error("gone"));
    await expect(asked).rejects.toThrow("gone");
    const late = link.ask("jwks", {});
    vi.advanceTimersByTime(20_000);
    await expect(late).rejects.toMatchObject({ code: 0 });
  });
  it("leaves nothing behind at a signal that lives long", async () => {
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, "addEventListener");
    const remove = vi.spyOn(signal, "removeEventListener");
    const asked = link.ask("jwks", {}, signal);
    answer({ id: sent[0]?.id, value: {} });
    await asked;
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
  it("hears everything else with its socket, whatever its type is", () => {
    const heard: unknown[] = [];
    link.onMessage((message, socket) => heard.push([message, socket]));
    channel.emit("message", { type: "of a later version" }, undefined);
    channel.emit("message", { type: "connection", port: "http" }, "socket");
    expect(heard).toEqual([
      [{ type: "of a later version" }, undefined],
      [{ type: "connection", port: "http" }, "socket"],
    ]);
  });
});

describe("a token in a Secret", () => {
  const read = async (value: unknown): Promise<string> => {
    const token = readsSecrets(link).token("shop", "own", new AbortController().signal);
    answer({ id: sent.at(-1)?.id, value });
    return token;
  };
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  it("is its key `token`, without the blanks around it", async () => {
    expect(await read({ token: base64(" s3cret\n") })).toBe("s3cret");
  });
  it.each([
    ["no Secret", undefined, /There is no Secret "own"/],
    ["no key", { other: base64("x") }, /no key "token"/],
    ["an empty one", { token: "" }, /no key "token", or an empty one/],
    ["one of blanks", { token: base64(" \n") }, /no key "token", or an empty one/],
  ])("is none where there is %s", async (_, value, why) => {
    await expect(read(value)).rejects.toThrow(why);
  });
  it("is none where nobody may read it", async () => {
    const token = readsSecrets(link).token("shop", "own", new AbortController().signal);
    answer({ id: sent[0]?.id, error: { code: 403, message: "secrets is forbidden" } });
    await expect(token).rejects.toThrow('Cannot read Secret "own": secrets is forbidden');
  });
});

describe("the nodes of an app", () => {
  const app = { namespace: "shop", appId: "cart" };
  const minute = 60_000;
  let now = 0;
  const open = async () => {
    const names = createNodeNames(link, 50002, { now: () => now });
    const resolver = (await names.manifest.open({} as never, {} as never)) as {
      resolve(of: object, options: object): Promise<string>;
    };
    return { names, find: () => resolver.resolve(app, { signal: new AbortController().signal }) };
  };
  it("are asked for once, called in turn, and known on", async () => {
    const { names, find } = await open();
    const both = [find(), find()];
    expect(sent).toHaveLength(1);
    answer({ id: sent[0]?.id, value: ["10.0.0.1", "fd00::2"] });
    expect(new Set(await Promise.all(both))).toEqual(
      new Set(["10.0.0.1:50002", "[fd00::2]:50002"]),
    );
    names.put(app, ["10.0.0.3"]);
    expect(await find()).toBe("10.0.0.3:50002");
    expect(sent).toHaveLength(1);
  });
  it("go on being asked for beside the calls, so that the supervisor follows them", async () => {
    const { find } = await open();
    const first = find();
    answer({ id: sent[0]?.id, value: ["10.0.0.1"] });
    await first;
    now += 9 * minute;
    await find();
    expect(sent).toHaveLength(1);
    now += minute;
    expect(await Promise.all([find(), find()])).toEqual(["10.0.0.1:50002", "10.0.0.1:50002"]);
    expect(sent).toHaveLength(2);
    answer({ id: sent[1]?.id, error: { code: 0, message: "away" } });
    await new Promise(setImmediate);
    expect(await find()).toBe("10.0.0.1:50002");
    expect(sent).toHaveLength(2);
    now += minute / 2;
    expect(await find()).toBe("10.0.0.1:50002");
    answer({ id: sent[2]?.id, value: ["10.0.0.2"] });
    await new Promise(setImmediate);
    expect(await find()).toBe("10.0.0.2:50002");
    expect(sent).toHaveLength(3);
  });
  it("that are followed no more are asked for first, and count on where nobody answers", async () => {
    const { names, find } = await open();
    const first = find();
    answer({ id: sent[0]?.id, value: ["10.0.0.1"] });
    await first;
    names.forget(app);
    names.forget({ namespace: "shop", appId: "unknown" });
    const second = find();
    expect(sent).toHaveLength(2);
    answer({ id: sent[1]?.id, value: ["10.0.0.2"] });
    expect(await second).toBe("10.0.0.2:50002");
    names.forget(app);
    const third = find();
    answer({ id: sent[2]?.id, error: { code: 0, message: "away" } });
    expect(await third).toBe("10.0.0.2:50002");
    expect(await find()).toBe("10.0.0.2:50002");
    expect(sent).toHaveLength(3);
  });
  it("are not kept for a name that is nowhere, nor for one that is forgotten when it is nowhere", async () => {
    const { names, find } = await open();
    const refused = { code: 0, message: "away" };
    const ask = async (reply: object): Promise<string> => {
      const found = find();
      answer({ id: sent.at(-1)?.id, ...reply });
      return found;
    };
    const nowhere = "no node hosts app id cart";
    await expect(ask({ value: [] })).rejects.toThrow(nowhere);
    names.put(app, []);
    // What is known stands in for an answer; of this app nothing is.
    await expect(ask({ error: refused })).rejects.toThrow("away");
    expect(await ask({ value: ["10.0.0.1"] })).toBe("10.0.0.1:50002");
    names.put(app, []);
    await expect(ask({ error: refused })).rejects.toThrow(nowhere);
    names.forget(app);
    await expect(ask({ error: refused })).rejects.toThrow("away");
  });
  it("are an error where there is none, and asked for again then", async () => {
    const { find } = await open();
    const first = find();
    answer({ id: sent[0]?.id, value: [] });
    await expect(first).rejects.toThrow("no node hosts app id cart in namespace shop");
    const second = find();
    answer({ id: sent[1]?.id, value: ["10.0.0.1"] });
    expect(await second).toBe("10.0.0.1:50002");
  });
});
