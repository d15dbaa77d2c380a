import { describe, expect, it } from "vitest";
import { ExportError, type SpanSink } from "#core/tracing/span-sink.ts";
import { type BatchLimits, createBatcher } from "#core/tracing/batcher.ts";
import { Span } from "#core/tracing/span.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

type Behaviour = (names: readonly string[]) => Promise<void> | void;

/** A batcher before a receiver that behaves as told; time moves only by `clock.advance`. */
function setUp(
  {
    limits = {},
    sleeps = false,
    refuses = false,
  }: {
    readonly limits?: Partial<BatchLimits>;
    readonly sleeps?: boolean;
    readonly refuses?: boolean;
  } = {},
  behave: Behaviour = () => {},
) {
  const clock = fakeClock();
  const sent: string[][] = [];
  const warnings: Array<{ readonly message: string; readonly lost: unknown }> = [];
  const background: Array<Promise<unknown>> = [];
  const quiet = (): void => {};
  let closes = 0;
  const sink: SpanSink = {
    where: "the receiver",
    timeoutMs: 1000,
    send: async (spans) => {
      const names = spans.map(({ name }) => name);
      sent.push(names);
      await behave(names);
    },
    close: () => void closes++,
  };
  const batcher = createBatcher(sink, {
    appId: "orders",
    limits: { delayMs: 100, maxQueue: 5, maxBatch: 3, ...limits },
    platform: {
      clock,
      log: {
        debug: quiet,
        info: quiet,
        error: quiet,
        warn: (message, fields) =>
          warnings.push({ message, lost: (fields as { readonly lost: unknown }).lost }),
      },
      background: (work) => {
        if (refuses) throw new Error("No request is being served");
        background.push(work);
      },
      sleepsBetweenRequests: sleeps,
    },
  });
  const add = (...names: readonly string[]): void => {
    for (const name of names) batcher.add(span(name));
  };
  return { clock, sent, warnings, background, batcher, add, closes: () => closes };
}
function span(name: string, isChild = false): Span {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const start = {
    traceparent,
    tracestate: "",
    parentId: "",
    name,
    kind: "client",
    startMs: 0,
  } as const;
  return new Span(start, { clock: fakeClock(), record: () => {} }, isChild);
}
const refusing =
  (failure: ExportError): Behaviour =>
  () => {
    throw failure;
  };

describe("a batcher", () => {
  it("waits for company, then sends all at once", async () => {
    const { clock, sent, add } = setUp();
    add("a");
    await clock.advance(50);
    add("b");
    expect(sent).toEqual([]);
    await clock.advance(50);
    expect(sent).toEqual([["a", "b"]]);
    await clock.advance(1000);
    add("c");
    await clock.advance(99);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toEqual([["a", "b"], ["c"]]);
  });
  it("does not wait once a batch is full, and sends no larger ones", async () => {
    const { clock, sent, add } = setUp();
    add("a", "b", "c", "d");
    await clock.advance(0);
    expect(sent).toEqual([["a", "b", "c"]]);
  });
  it("lets what is left after a batch wait for company again", async () => {
    const { clock, sent, add } = setUp();
    add("a", "b", "c", "d");
    await clock.advance(99);
    expect(sent).toEqual([["a", "b", "c"]]);
    await clock.advance(1);
    expect(sent).toEqual([["a", "b", "c"], ["d"]]);
  });
  it("loses the oldest where too many wait, and says how many", async () => {
    let free: () => void = () => {};
    const { clock, sent, warnings, add } = setUp(
      {},
      () => new Promise((resolve) => (free = resolve)),
    );
    add("1", "2", "3");
    await clock.advance(0);
    add("a", "b", "c", "d", "e", "f", "g");
    free();
    await clock.advance(0);
    expect(sent).toEqual([
      ["1", "2", "3"],
      ["c", "d", "e"],
    ]);
    expect(warnings).toEqual([
      { message: "Cannot export spans to the receiver: more than 5 wait", lost: 1 },
    ]);
  });
  it("tries again what may be tried again, and keeps the order", async () => {
    let failures = 2;
    const { clock, sent, warnings, add } = setUp({}, () => {
      if (failures-- > 0) throw new ExportError("busy", { retry: true });
    });
    add("a", "b", "c", "d");
    await clock.advance(10_000);
    expect(sent).toEqual([["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"], ["d"]]);
    expect(warnings).toEqual([]);
  });
  it("waits as long as the receiver asks", async () => {
    let failures = 1;
    const { clock, sent, add } = setUp({ limits: { delayMs: 1 } }, () => {
      if (failures-- > 0) throw new ExportError("busy", { retry: true, retryAfterMs: 20_000 });
    });
    add("a");
    await clock.advance(20_000);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toHaveLength(2);
  });
  it("gives a batch up after a minute", async () => {
    const { clock, sent, warnings, add } = setUp(
      {},
      refusing(new ExportError("busy", { retry: true })),
    );
    add("a");
    await clock.advance(61_000);
    expect(warnings).toEqual([{ message: "Cannot export spans to the receiver: busy", lost: 1 }]);
    const tries = sent.length;
    expect(tries).toBeGreaterThan(3);
    await clock.advance(600_000);
    expect(sent).toHaveLength(tries);
  });
  it("does not try again what was refused for good, or took too long", async () => {
    const refused = setUp({}, refusing(new ExportError("bad")));
    refused.add("a");
    await refused.clock.advance(60_000);
    expect(refused.sent).toHaveLength(1);
    const silent = setUp({}, () => new Promise(() => {}));
    silent.add("a");
    await silent.clock.advance(100);
    silent.add("b");
    await silent.clock.advance(999);
    expect(silent.sent).toEqual([["a"]]);
    await silent.clock.advance(1 + 100);
    expect(silent.sent).toEqual([["a"], ["b"]]);
    expect(silent.warnings[0]?.message).toMatch(/No answer within 1000 ms/);
  });
  it("complains once a minute, of all that was lost since", async () => {
    const { clock, warnings, add } = setUp({}, refusing(new ExportError("bad")));
    for (let i = 0; i < 10; i++) {
      add("a");
      await clock.advance(10_000);
    }
    expect(warnings.map(({ lost }) => lost)).toEqual([1, 6]);
  });
  it("flushes at once and without another try", async () => {
    const { clock, sent, warnings, batcher, add } = setUp(
      {},
      refusing(new ExportError("busy", { retry: true })),
    );
    add("a", "b");
    await batcher.flush();
    expect(sent).toEqual([["a", "b"]]);
    expect(warnings).toHaveLength(1);
    add("c");
    await clock.advance(100);
    const flushed = batcher.flush();
    await clock.advance(0);
    await flushed;
    expect(sent.slice(1).every(([name]) => name === "c")).toBe(true);
    const tries = sent.length;
    await clock.advance(600_000);
    expect(sent).toHaveLength(tries);
  });
  it("closes without waiting, and says what it lost", async () => {
    const { clock, sent, warnings, batcher, add, closes } = setUp();
    add("a", "b");
    batcher.close();
    add("c");
    await clock.advance(10_000);
    expect(sent).toEqual([]);
    expect(warnings.map(({ lost }) => lost)).toEqual([2]);
    expect(closes()).toBe(1);
    expect(clock.sleepers).toBe(0);
  });
  it("hurts nobody where the platform waits for nothing", async () => {
    const { clock, sent, add } = setUp({ sleeps: true, refuses: true });
    add("a");
    await clock.advance(0);
    add("b");
    await clock.advance(0);
    expect(sent).toEqual([["a"], ["b"]]);
  });
  it("sends with each request, children with their parent, where nothing runs between requests", async () => {
    const { sent, background, batcher } = setUp({ sleeps: true, limits: { maxQueue: 100 } });
    batcher.add(span("child", true));
    expect(background).toHaveLength(0);
    batcher.add(span("parent"));
    batcher.add(span("sibling"));
    expect(background).toHaveLength(1);
    await Promise.all(background);
    expect(sent).toEqual([["child", "parent", "sibling"]]);
    batcher.add(span("next"));
    expect(background).toHaveLength(2);
    await Promise.all(background);
    expect(sent[1]).toEqual(["next"]);
  });
});
