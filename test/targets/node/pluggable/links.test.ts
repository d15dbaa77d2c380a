import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ComponentError } from "#core/errors/component-error.ts";
import type { OutputBinding } from "#core/ports/bindings.ts";
import type { StatePut, StateQuery } from "#core/ports/state-store.ts";
import {
  type ComponentProcess,
  describeWithGo,
  socketsFolder,
  startComponent,
} from "#test/pluggable/component.ts";
import { discover, type Offered } from "#test/pluggable/open.ts";
import { eventually } from "#test/support/eventually.ts";

const options = { signal: new AbortController().signal };
const none = { metadata: {} };

describeWithGo("links to pluggable components", () => {
  const folder = socketsFolder();
  const opened: AsyncDisposable[] = [];
  let component: ComponentProcess;
  let offered: Offered;
  beforeAll(async () => {
    component = await startComponent(folder, "peer");
    offered = await discover(folder);
  }, 60_000);
  afterEach(async () => {
    for (const port of opened.splice(0)) await port[Symbol.asyncDispose]();
  });
  afterAll(async () => {
    await component?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });
  const open: Offered["open"] = async (...given) => {
    const port = await offered.open(...given);
    opened.push(port);
    return port;
  };
  const say = async (port: OutputBinding, operation: string, data = ""): Promise<string> =>
    textOf((await port.invoke(operation, { data, ...none }, options))?.data);
  const failure = async (work: Promise<unknown>): Promise<ComponentError> => {
    const reason = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!ComponentError.is(reason)) throw new Error(`no ComponentError: ${String(reason)}`);
    return reason;
  };

  test("the component gets its settings as the document spells them, and its name", async () => {
    const properties = { camelCase: "1", UPPER: "2" };
    const port = await open("bindings.output", "mine", { properties });
    const answer = await port.invoke("settings", none, options);
    expect(textOf(answer?.data)).toBe("mine");
    expect(answer?.metadata).toEqual(properties);
  });
  test("instances of one component keep apart", async () => {
    const [a, b] = [await open("state", "a"), await open("state", "b")];
    await a.write(put("key", "1"), options);
    const read = [{ key: "key", ...none }];
    expect((await a.read(read, options))[0]).toBeDefined();
    expect(await b.read(read, options)).toEqual([undefined]);
  });
  test("a component that refuses its settings says why", async () => {
    const refused = await failure(open("state", "bad", { properties: { init: "fail" } }));
    expect(refused.message).toBe(
      "rpc error: code = InvalidArgument desc = the setting init says so",
    );
  });
  test("a component that never starts is given up after its initTimeout", async () => {
    const settings = { properties: { init: "hang" }, initTimeoutMs: 100 };
    for (const kind of ["state", "pubsub", "bindings.input", "bindings.output", "secretstores"])
      await expect(open(kind as "state", "slow", settings)).rejects.toThrow("within 100 ms");
  });
  test("what the component does not declare is not offered", async () => {
    const plain = await open("state", "plain", { properties: { plain: "true" } });
    expect([plain.transact, plain.maxTransactionOperations]).toEqual([undefined, undefined]);
    expect(plain.features).toEqual([]);
    const full = await open("state", "full");
    expect(await full.maxTransactionOperations?.(options)).toBe(200);
    expect(full.transact).toBeDefined();
    expect(full.query).toBeDefined();
  });

  test("a call that its caller gives up is cancelled at the component", async () => {
    const port = await open("bindings.output", "cancelling");
    const before = Number(await say(port, "cancelled"));
    const caller = new AbortController();
    const hanging = port.invoke("hang", none, caller);
    const settled = hanging.catch((reason: unknown) => reason);
    // Only what has reached the component can be cancelled there.
    await say(port, "echo");
    caller.abort(new Error("gave up"));
    expect(await settled).toMatchObject({ message: "gave up" });
    await eventually(async () => Number(await say(port, "cancelled")) === before + 1);
  });
  test("closing ends what is under way and leaves no socket", async () => {
    const before = pipes();
    const [out, into, broker] = [
      await open("bindings.output", "closing"),
      await open("bindings.input", "closing"),
      await open("pubsub", "closing"),
    ];
    await into.listen(async () => undefined, options);
    const topic = { topic: "closing", consumerId: "a", ...none };
    await broker.subscribe?.(topic, async () => ["done"], options);
    const hanging = failure(out.invoke("hang", none, options));
    await say(out, "echo");
    for (const port of opened.splice(0)) await port[Symbol.asyncDispose]();
    expect((await hanging).kind).toBe("unavailable");
    expect((await failure(say(out, "echo"))).kind).toBe("unavailable");
    await eventually(() => pipes() <= before, { what: "the sockets to close" });
  });
  test("messages of more than 4 MiB are refused both ways, and the link goes on", async () => {
    const port = await open("bindings.output", "large");
    const data = "x".repeat(5 * 1024 * 1024);
    expect((await failure(say(port, "large"))).message).toContain("ResourceExhausted");
    expect((await failure(say(port, "echo", data))).message).toContain("ResourceExhausted");
    expect(await say(port, "echo", "small")).toBe("small");
  });

  test("a component that comes back is initialised anew", async () => {
    const store = await open("state", "back");
    await store.write(put("key", "1"), options);
    await component.crash();
    expect((await failure(store.write(put("key", "2"), options))).kind).toBe("unavailable");
    await component.start();
    // The peer refuses who has not sent Init to this very process.
    await store.write(put("key", "3"), options);
    const [item] = await store.read([{ key: "key", ...none }], options);
    expect(textOf(item?.value)).toBe("3");
  });
  test("subscriptions and input bindings go on when the component comes back", async () => {
    const [broker, into] = [await open("pubsub", "on"), await open("bindings.input", "on")];
    const seen: string[] = [];
    const topic = { topic: "on", consumerId: "a", ...none };
    await broker.subscribe?.(
      topic,
      async (messages) => {
        seen.push(...messages.map(({ data }) => textOf(data)));
        return messages.map(() => "done" as const);
      },
      options,
    );
    await into.listen(async ({ data }) => void seen.push(textOf(data)), options);
    const publish = (data: string) => broker.publish("on", [{ data, ...none }], options);
    await publish("message 1");
    await say(await open("bindings.output", "on"), "emit", "event 1");
    await eventually(() => seen.length === 2, { what: "the first messages" });
    await component.crash();
    await component.start();
    await eventually(async () => (await publish("message 2"))[0] === undefined);
    await say(await open("bindings.output", "on again"), "emit", "event 2");
    await eventually(() => seen.length === 4, { what: "the messages after the crash" });
    expect(seen.toSorted()).toEqual(["event 1", "event 2", "message 1", "message 2"]);
  });
  test("many calls at once after the component came back initialise it once and all go through", async () => {
    const store = await open("state", "herd");
    await component.crash();
    await component.start();
    await eventually(async () => {
      await store.ping?.(options);
      return true;
    });
    const keys = Array.from({ length: 100 }, (_, i) => String(i));
    await Promise.all(keys.map((key) => store.write(put(key, key), options)));
    const items = await store.read(
      keys.map((key) => ({ key, ...none })),
      options,
    );
    expect(items.map((item) => textOf(item?.value))).toEqual(keys);
  });

  test("the app's answer to an event goes back to the component", async () => {
    const [out, into] = [await open("bindings.output", "ans"), await open("bindings.input", "ans")];
    await into.listen(async ({ data }) => ({ data: `got ${textOf(data)}`, ...none }), options);
    await say(out, "emit", "it");
    await eventually(async () => (await say(out, "answers")).includes("got it"));
  });
  test("bulk publishing tells which messages the broker refused", async () => {
    const broker = await open("pubsub", "bulk");
    const messages = [
      { data: "1", ...none },
      { data: "2", metadata: { refuse: "no thanks" } },
      { data: "3", ...none },
    ];
    const results = await broker.publish("refusing", messages, options);
    expect(results.map((reason) => reason?.message)).toEqual([undefined, "no thanks", undefined]);
  });
  test("a broker that gives one message at a time is not waited for until a batch is full", async () => {
    const broker = await open("pubsub", "immediate", { properties: { immediate: "true" } });
    const batches: string[][] = [];
    const bulk = { maxMessagesCount: 100, maxAwaitDurationMs: 3_600_000 };
    await broker.subscribe?.(
      { topic: "at-once", consumerId: "app", bulk, ...none },
      async (messages) => {
        batches.push(messages.map(({ data }) => textOf(data)));
        return messages.map(() => "done" as const);
      },
      options,
    );
    const messages = ["1", "2", "3"].map((data) => ({ data, ...none }));
    await broker.publish("at-once", messages, options);
    await eventually(() => batches.length === 3);
    expect(batches).toEqual([["1"], ["2"], ["3"]]);
  });
  test("a consumer without an id is the app", async () => {
    const broker = await open("pubsub", "consumer");
    const seen: string[] = [];
    const stop = new AbortController();
    const subscribe = () =>
      broker.subscribe?.(
        { topic: "consumer", consumerId: "app", ...none },
        async (messages) => {
          seen.push(...messages.map(({ data }) => textOf(data)));
          return messages.map(() => "done" as const);
        },
        stop,
      );
    await subscribe();
    await subscribe();
    await broker.publish("consumer", [{ data: "once", ...none }], options);
    await eventually(() => seen.length > 0);
    await broker.publish("consumer", [{ data: "last", ...none }], options);
    await eventually(() => seen.includes("last"));
    expect(seen).toEqual(["once", "last"]);
    stop.abort();
  });

  test("many keys are written and deleted in one call, failures told as the component tells them", async () => {
    const store = await open("state", "many");
    await store.writeMany?.([put("a", "1"), put("b", "2")], options);
    const stale = failure(
      store.writeMany?.([put("c", "3"), { ...put("a", "4"), etag: "0" }], options) as Promise<void>,
    );
    expect(await stale).toMatchObject({ kind: "etag-mismatch" });
    const removals = ["a", "b", "gone"].map((key) => ({ op: "delete" as const, key, ...none }));
    const rows = await failure(store.writeMany?.(removals, options) as Promise<void>);
    expect(rows.message).toBe("delete affected only 2 rows, expected 3");
  });
  test("a query brings filter, order and pages over", async () => {
    const store = await open("state", "query");
    const people = { a: ["Dev", 3], b: ["Ops", 1], c: ["Dev", 2], d: ["Dev", 1] } as const;
    for (const [key, [org, rank]] of Object.entries(people))
      await store.write(put(key, JSON.stringify({ person: { org, rank } })), options);
    const ask = (more: Partial<StateQuery>) =>
      store.query?.({ sort: [], page: {}, ...none, ...more }, options);
    const filter = { EQ: { "person.org": "Dev" } };
    const sort = [{ key: "person.rank", order: "DESC" as const }];
    const first = await ask({ filter, sort, page: { limit: 2 } });
    expect(first?.results.map(({ key }) => key)).toEqual(["a", "c"]);
    expect(first?.results[0]).toMatchObject({ etag: expect.any(String) as string });
    expect(textOf(first?.results[0]?.value)).toContain("Dev");
    expect(first?.metadata).toEqual({ rows: "3" });
    const rest = await ask({ filter, sort, page: { limit: 2, token: first?.token ?? "" } });
    expect(rest?.results.map(({ key }) => key)).toEqual(["d"]);
    expect(rest?.token).toBeUndefined();
    const or = { OR: [filter, { IN: { "person.rank": [1] } }] };
    expect((await ask({ filter: or }))?.results.map(({ key }) => key)).toEqual([..."abcd"]);
    expect((await ask({}))?.results).toHaveLength(4);
    expect((await failure(ask({ metadata: { fail: "why" } }) as Promise<unknown>)).message).toBe(
      "rpc error: code = Internal desc = why",
    );
  });
});

function put(key: string, value: string): StatePut {
  return { op: "put", key, value, ...none };
}
function textOf(data: string | Uint8Array | undefined): string {
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}
function pipes(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "PipeWrap").length;
}
