import { describe, expect, it } from "vitest";
import { hostFailureText } from "#core/blocks/actors/host-failure.ts";
import { createStreamHost, type StreamHost } from "#core/blocks/actors/stream-host.ts";
import type { HostAnswer, HostRequest } from "#core/blocks/actors/stream-messages.ts";
import type { ActorCall } from "#core/ports/actor-host.ts";
import type { PlainResponse } from "#core/ports/platform.ts";
import { bytesOf } from "#core/util/bytes.ts";

const options = { signal: new AbortController().signal };
const actor = { type: "t", id: "x" };
const body = new Uint8Array([1]);
const call: ActorCall = { method: "m", query: "", headers: ["X-A", "1"], body };
const timer = { name: "n", callback: "c", dueTime: "1s", period: "", data: '"d"' };

interface Stream extends StreamHost {
  /** The next request that the app gets. */
  next(): Promise<HostRequest>;
  end(): void;
}
function open(): Stream {
  const over = new AbortController();
  const stream = createStreamHost(over.signal);
  const requests = stream.requests[Symbol.asyncIterator]();
  return {
    ...stream,
    next: async () => (await requests.next()).value as HostRequest,
    end: () => over.abort(),
  };
}
const invoked = (id: string, more: Partial<HostAnswer> = {}): HostAnswer =>
  ({ kind: "invoke", id, data: body, metadata: {}, isError: false, ...more }) as HostAnswer;
const textOf = ({ headers, body: text = "" }: PlainResponse): string | undefined =>
  hostFailureText({ headers, body: bytesOf(text as string) });

describe("a host over a stream", () => {
  it("gets requests with the ids of its stream", async () => {
    const { host, next, answer } = open();
    const all = [
      host.invoke(actor, call, options),
      host.remind(actor, { name: "r", data: undefined }, options),
      host.tick(actor, timer, options),
      host.deactivate(actor, options),
    ];
    const metadata = { "X-A": "1" };
    expect(await next()).toEqual({ kind: "invoke", id: "1", actor, method: "m", metadata, body });
    expect(await next()).toEqual({
      kind: "reminder",
      id: "2",
      actor,
      name: "r",
      data: undefined,
    });
    expect(await next()).toEqual({ kind: "timer", id: "3", actor, timer });
    expect(await next()).toEqual({ kind: "deactivate", id: "4", actor });
    // In any order.
    answer({ kind: "deactivate", id: "4" });
    answer({ kind: "timer", id: "3", cancels: true });
    answer({ kind: "reminder", id: "2", cancels: false });
    answer(invoked("1", { metadata: { "x-app": "yes", "not a name": "", b: "1\n2" } }));
    expect(await Promise.all(all)).toEqual([
      { status: 200, headers: ["x-app", "yes", "b", "1 2"], body },
      { status: 200, headers: [] },
      { status: 200, headers: ["x-daprremindercancel", "true"] },
      { status: 200, headers: [] },
    ]);
  });
  it("is told the content type of a call over gRPC, and every value of a header", async () => {
    const { host, next } = open();
    const headers = ["outrigger-grpc-content-type", "a/b", "x", "1", "x", "2"];
    host.invoke(actor, { ...call, headers }, options).catch(() => {});
    expect(await next()).toMatchObject({ metadata: { "content-type": "a/b", x: "1, 2" } });
  });
  it("reports an error of the actor in a good answer", async () => {
    const { host, answer } = open();
    const done = host.invoke(actor, call, options);
    answer(invoked("1", { isError: true }));
    expect((await done).headers).toEqual(["x-daprerrorresponseheader", "true"]);
  });
  it.each([
    [5, 404, "actor method not found: m"],
    [0, 500, "error from actor service: no"],
    [99, 500, "error from actor service: no"],
  ])("fails a request with code %i", async (code, status, text) => {
    const { host, answer } = open();
    const done = host.invoke(actor, call, options);
    answer({ kind: "failed", id: "1", code, message: "no" });
    const response = await done;
    expect(response.status).toBe(status);
    expect(textOf(response)).toBe(text);
  });
  it("fails timers, reminders and deactivations alike", async () => {
    const { host, answer } = open();
    const all = [
      host.remind(actor, { name: "r", data: undefined }, options),
      host.tick(actor, timer, options),
      host.deactivate(actor, options),
    ];
    for (const id of ["1", "2", "3"]) answer({ kind: "failed", id, code: 13, message: "no" });
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([500, 500, 500]);
  });
  it("cannot answer with another kind", async () => {
    const { host, answer } = open();
    const all = [
      host.invoke(actor, call, options),
      host.remind(actor, { name: "r", data: undefined }, options),
      host.tick(actor, timer, options),
      host.deactivate(actor, options),
    ];
    answer({ kind: "timer", id: "1", cancels: false });
    answer({ kind: "timer", id: "2", cancels: false });
    answer({ kind: "reminder", id: "3", cancels: false });
    answer(invoked("4"));
    const kinds = ["invoke", "reminder", "timer", "deactivate"];
    for (const [i, done] of all.entries())
      await expect(done).rejects.toThrow(
        `actor host returned an unexpected response type for ${kinds[i] as string}`,
      );
  });
  it("answers once, and only what it was asked", async () => {
    const { host, answer } = open();
    const done = host.invoke(actor, call, options);
    answer(invoked("4711", { isError: true }));
    answer(invoked("1"));
    answer({ kind: "failed", id: "1", code: 13, message: "too late" });
    expect((await done).headers).toEqual([]);
  });
  it("leaves what is in flight when the stream ends, and takes nothing more", async () => {
    const { host, next, end } = open();
    const sent = host.invoke(actor, call, options);
    await next();
    const waiting = host.invoke(actor, call, options);
    end();
    const text = "actor host disconnected before responding";
    await expect(sent).rejects.toThrow(text);
    await expect(waiting).rejects.toThrow(text);
    await expect(host.invoke(actor, call, options)).rejects.toThrow(text);
    expect((await host.deactivate(actor, options)).status).toBe(200);
    expect(await next()).toBeUndefined();
  });
  it("is not sent what its caller has given up, and need not answer it", async () => {
    const { host, next, answer } = open();
    const abort = new AbortController();
    const sent = host.invoke(actor, call, { signal: abort.signal });
    await next();
    const waiting = host.invoke(actor, call, { signal: abort.signal });
    abort.abort(new Error("gone"));
    await expect(sent).rejects.toThrow("gone");
    await expect(waiting).rejects.toThrow("gone");
    await expect(host.invoke(actor, call, abort)).rejects.toThrow("gone");
    answer(invoked("1"));
    host.deactivate(actor, options).catch(() => {});
    expect(await next()).toMatchObject({ kind: "deactivate" });
  });
});
