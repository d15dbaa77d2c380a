import { describe, expect, it } from "vitest";
import { createAppStreams, type OpenStream } from "#core/blocks/actors/app-streams.ts";
import { hostedTypes } from "#core/blocks/actors/settings.ts";
import type { ActorHost } from "#core/ports/actor-host.ts";

const options = { signal: new AbortController().signal };

/** Streams that host `types`, on an app that is called; `log` is what happens to its actors. */
function app() {
  const log: string[] = [];
  let host: ActorHost | undefined;
  const streams = createAppStreams();
  const actors = {
    begin: () => void log.push("begin"),
    suspend: () => void log.push("suspend"),
    stop: async () => void log.push("stop"),
    host: async (types: ReadonlyMap<string, unknown>, given: ActorHost) => {
      host = given;
      log.push(`host ${[...types.keys()].join()}`);
    },
  };
  const open = (name: string, entities: readonly string[] = ["t"]): (() => void) => {
    const answer = async () => ({ status: 200, headers: [], body: name });
    const stream: OpenStream = {
      types: hostedTypes({ entities, entitiesConfig: [] }),
      host: { invoke: answer, remind: answer, tick: answer, deactivate: answer },
    };
    return streams.add(stream);
  };
  const said = (): string[] => log.splice(0);
  const whoServes = async () => (await host?.deactivate({ type: "t", id: "x" }, options))?.body;
  return { streams, start: () => streams.start(actors), open, said, whoServes };
}

describe("the streams of an app", () => {
  it("host from the time at which the app can be called", () => {
    const { start, open, said } = app();
    open("a");
    expect(said()).toEqual([]);
    start();
    expect(said()).toEqual(["suspend", "host t", "begin"]);
  });
  it("let an app without one call actors", () => {
    const { start, said } = app();
    start();
    expect(said()).toEqual(["begin"]);
  });
  it("let the calls of the app wait once the last has left", () => {
    const { start, open, said } = app();
    start();
    const leave = open("a");
    said();
    leave();
    leave();
    expect(said()).toEqual(["suspend", "stop"]);
    start();
    expect(said()).toEqual(["suspend"]);
  });
  it("are served by the newest, and by the one before when it leaves", async () => {
    const { start, open, said, whoServes } = app();
    start();
    open("a");
    said();
    const leave = open("b");
    expect(await whoServes()).toBe("b");
    const leaveOther = open("c");
    leave();
    expect(await whoServes()).toBe("c");
    leaveOther();
    expect(await whoServes()).toBe("a");
    // Their types are the same, so no actor had to leave.
    expect(said()).toEqual([]);
  });
  it("host the types of the newest", async () => {
    const { start, open, said, whoServes } = app();
    start();
    open("a");
    said();
    const leave = open("b", ["t", "u"]);
    expect(said()).toEqual(["suspend", "host t,u", "begin"]);
    leave();
    expect(said()).toEqual(["suspend", "host t", "begin"]);
    expect(await whoServes()).toBe("a");
  });
  it("host nothing while the app is not well, and are told at the end only", async () => {
    const { streams, start, open, said } = app();
    start();
    open("a");
    said();
    const { promise, resolve } = Promise.withResolvers<void>();
    streams.pause(promise);
    open("b");
    expect(said()).toEqual([]);
    start();
    expect(said()).toEqual(["suspend", "host t", "begin"]);
    streams.pause(promise);
    const stopped = streams.stop?.();
    await Promise.resolve();
    expect(streams.stopping.aborted).toBe(false);
    resolve();
    await stopped;
    expect(streams.stopping.aborted).toBe(true);
  });
});
