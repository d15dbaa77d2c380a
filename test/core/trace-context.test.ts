import { describe, expect, it } from "vitest";
import { isTraceparent, traceFrom } from "#core/trace-context.ts";

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("traceFrom", () => {
  it("continues the caller's trace with a span of its own", () => {
    const trace = traceFrom(parent, "a=b", () => false);
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
    const trace = traceFrom(given, "a=b", () => true);
    expect(isTraceparent(trace.traceparent)).toBe(true);
    expect(trace.traceparent.slice(3, 35)).not.toBe(parent.slice(3, 35));
    expect(trace.tracestate).toBe("");
    expect(trace.traceparent.endsWith("-01")).toBe(true);
  });
  it("gives every span another id", () => {
    const ids = new Set(
      Array.from({ length: 2000 }, () => traceFrom(parent, "", () => true).traceparent),
    );
    expect(ids.size).toBe(2000);
  });
});
