import { expect, it } from "vitest";
import { Span } from "#core/tracing/span.ts";
import { stdoutSink } from "#core/tracing/stdout-sink.ts";
import { fakeClock } from "#test/support/fake-clock.ts";

it("a span is a line of the log, as Dapr writes it", async () => {
  const lines: Array<readonly [string, object | undefined]> = [];
  const quiet = (): void => {};
  const log = {
    debug: quiet,
    warn: quiet,
    error: quiet,
    info: (message: string, fields?: object) => void lines.push([message, fields]),
  };
  const spans: Span[] = [];
  const start = {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "",
    parentId: "",
    name: "/v1.0/metadata",
    kind: "client",
    startMs: Date.UTC(2026, 0, 1),
  } as const;
  new Span(start, { clock: fakeClock(), record: (span) => void spans.push(span) }).end();
  await stdoutSink(log, "orders").send(spans, { signal: new AbortController().signal });
  expect(lines).toEqual([
    [
      expect.stringMatching(
        /^\[\/v1\.0\/metadata\] Trace: 0af7651916cd43dd8448eb211c80319c Span: 0{16}\/b7ad6b7169203331 Time: \[2026-01-01T00:00:00\.\d{3}Z -> {2}2026-01-01T00:00:00\.\d{3}Z\] Annotations: \[\]$/,
      ),
      { scope: "dapr.runtime.trace", app_id: "orders" },
    ],
  ]);
});
