import { describe, expect, it } from "vitest";
import {
  eventTraceparent,
  isInSample,
  isSampled,
  isTraceparent,
  noTraceparent,
  traceFrom,
} from "#core/tracing/trace-context.ts";
import { childTrace } from "#core/tracing/start-trace.ts";

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("traceFrom", () => {
  it("continues the caller's trace with a span of its own", () => {
    const trace = traceFrom(parent, "a=b", 0);
    expect(trace.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(trace.traceparent).not.toBe(parent);
    expect(trace.tracestate).toBe("a=b");
  });
  it.each([
    ["no parent", undefined],
    ["a zero trace id", `00-${"0".repeat(32)}-b7ad6b7169203331-01`],
    ["a zero span id", `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01`],
    ["upper case", parent.toUpperCase()],
    ["another version", parent.replace(/^00/, "01")],
    ["a longer text", `${parent}-x`],
  ])("starts a trace of its own for %s, and drops the tracestate", (_, given) => {
    const trace = traceFrom(given, "a=b", 1);
    expect(isTraceparent(trace.traceparent)).toBe(true);
    expect(trace.traceparent.slice(3, 35)).not.toBe(parent.slice(3, 35));
    expect(trace.tracestate).toBe("");
    expect(trace.traceparent.endsWith("-01")).toBe(true);
  });
  it("passes the caller's on where nobody makes spans, and says of others that they have none", () => {
    const odd = parent.replace(/01$/, "02");
    expect(traceFrom(odd, "a=b", undefined)).toMatchObject({ traceparent: odd, tracestate: "a=b" });
    const none = traceFrom("nonsense", "a=b", undefined);
    expect(none).toMatchObject({ traceparent: noTraceparent, tracestate: "" });
    expect(isTraceparent(noTraceparent)).toBe(false);
    expect(eventTraceparent(none)).toBe("");
    expect(eventTraceparent(undefined)).toBe("");
    expect(eventTraceparent(traceFrom(odd, "", undefined))).toBe(odd);
    expect(childTrace(none, "n", "client")).toBe(none);
  });
  it("gives every span another id", () => {
    const ids = new Set(Array.from({ length: 2000 }, () => traceFrom(parent, "", 1).traceparent));
    expect(ids.size).toBe(2000);
  });
});

describe("isInSample", () => {
  const id = (last: string): string => `4bf92f3577b34da6${last}`;
  // Computed with OpenTelemetry's Go SDK rule: the last 8 bytes, halved, below rate * 2^63.
  it.each([
    [0.5, "7fffffffffffffff", true],
    [0.5, "8000000000000000", false],
    [0.25, "3fffffffffffffff", true],
    [0.25, "4000000000000000", false],
    [1e-4, "00068db8bac70000", true],
    [1e-4, "00068db8bac80000", false],
    [0.999, "ffbe76c8b4395000", true],
    [0.999, "ffbe76c8b439a000", false],
    [1, "ffffffffffffffff", true],
    [0, "0000000000000000", false],
  ])("at rate %d an id that ends in %s: %s", (rate, last, wanted) => {
    expect(isInSample(id(last), rate)).toBe(wanted);
  });
  it("a trace that starts here is flagged as its id says", () => {
    for (let i = 0; i < 500; i++) {
      const { traceparent } = traceFrom(undefined, undefined, 0.5);
      expect(isSampled(traceparent)).toBe(isInSample(traceparent.slice(3, 35), 0.5));
    }
  });
  it.each(["00", "01", "02", "03", "0a", "0b", "0f", "fe", "ff", "09", "08"])(
    "reads the sampled bit of flags %s",
    (flags) => {
      expect(isSampled(`${parent.slice(0, 53)}${flags}`)).toBe(
        (Number.parseInt(flags, 16) & 1) === 1,
      );
    },
  );
});

describe("tracestate", () => {
  it.each(["a=b", "a=b,c=d", "a=b , c=d", "1t@sys=v", "a=b,", `a=${"x".repeat(256)}`])(
    "%s goes on",
    (state) => {
      expect(traceFrom(parent, state, 0).tracestate).toBe(state);
    },
  );
  it.each([
    "a",
    "A=b",
    "a=b=c",
    "=b",
    "a=",
    "a=é",
    `a=${"x".repeat(512)}`,
    Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(","),
  ])("%s does not", (state) => {
    expect(traceFrom(parent, state, 0).tracestate).toBe("");
  });
});
