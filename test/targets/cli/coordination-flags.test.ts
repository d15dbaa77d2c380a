import { describe, expect, it } from "vitest";
import { coordinationChoice, coordinationFlags } from "#targets/cli/coordination-flags.ts";
import { daprdFlags } from "#targets/cli/daprd-flags.ts";
import { node } from "#targets/cli/node.ts";
import { readFlags } from "#targets/cli/flags.ts";
import { fakeCli } from "./fake-cli.ts";

const flags = (given: Readonly<Record<string, string>> = {}) =>
  readFlags(
    daprdFlags,
    new Map(Object.entries(given).map(([name, value]) => [name, [value]] as const)),
  );
const variable = (value: string) => ({ OUTRIGGER_COORDINATION: value });

describe("where owners of actors and due times are kept", () => {
  it.each([
    ["sqlite:/tmp/x.db", "sqlite", { connectionstring: "/tmp/x.db" }],
    ["postgresql:host=db user=me", "postgresql", { connectionstring: "host=db user=me" }],
    ["redis:cache:6379", "redis", { redishost: "cache:6379" }],
    ["redis://cache:6379", "redis", { redishost: "cache:6379" }],
    [
      "rediss://me:p%40ss@[::1]:6380/2",
      "redis",
      {
        redishost: "[::1]:6380",
        redisusername: "me",
        redispassword: "p@ss",
        redisdb: "2",
        enabletls: "true",
      },
    ],
    ["redis://:secret@cache", "redis", { redishost: "cache", redispassword: "secret" }],
  ])("is what %s says", (text, driver, metadata) => {
    const wanted = { type: `coordination.${driver}`, metadata };
    expect(coordinationChoice(text, {})).toEqual(wanted);
    // Of both, the environment counts.
    expect(coordinationChoice("off", variable(text))).toEqual(wanted);
    expect(coordinationChoice(text, variable("off"))).toBe("off");
    expect(coordinationChoice("", variable(""))).toBeUndefined();
  });
  it.each([
    ["mongodb:secret", "drivers are sqlite, redis"],
    ["redis:", "the connection is missing"],
    ["postgresql", "the connection is missing"],
    ["redis://:secret@/0", "redis://user:password@host:port/database"],
    ["rediss:secret", "redis://user:password@host:port/database"],
    ["redis://:secret@cache/db", "redis://user:password@host:port/database"],
    ["redis://:secret@cache?tls=true", "redis://user:password@host:port/database"],
  ])("is not what %s says, and no message has the connection", (text, why) => {
    for (const [flag, env, label] of [
      [text, {}, "--coordination"],
      ["", variable(text), "OUTRIGGER_COORDINATION"],
    ] as const) {
      let message = "";
      try {
        coordinationChoice(flag, env);
      } catch (reason) {
        ({ message } = reason as Error);
      }
      expect(message).toContain(why);
      expect(message).toContain(label);
      expect(message).not.toContain("secret");
    }
  });
  it("is a file of this user, or only the actor state store, or nothing, where it is not said", () => {
    const on = { actors: true, jobs: true, group: "default" };
    expect(coordinationFlags(flags(), {}, "file")).toEqual({
      coordination: { ...on, hasFile: true },
    });
    expect(coordinationFlags(flags(), {}, "store")).toEqual({
      coordination: { ...on, hasFile: false },
    });
    expect(coordinationFlags(flags(), {}, "asked")).toEqual({});
    const asked = flags({ "placement-host-address": "a:1" });
    expect(coordinationFlags(asked, {}, "asked")).toEqual({
      coordination: { actors: true, jobs: false, group: "a:1", hasFile: true },
    });
    for (const without of ["file", "store", "asked"] as const) {
      expect(coordinationFlags(flags({ coordination: "off" }), {}, without)).toEqual({});
      expect(coordinationFlags(flags(), variable("redis:a:1"), without).coordination).toMatchObject(
        {
          ...on,
          driver: { type: "coordination.redis" },
        },
      );
    }
  });
  it.each(["sqlite:/var/lib/x.db", "in-memory"])(
    "is nothing of one node's own for outrigger node: %s",
    async (text) => {
      const { cli, out } = fakeCli({ env: { NODE_NAME: "n", ...variable(text) } });
      expect(await node([], cli)).toBe(1);
      expect(out()).toContain("is not supported here, because nodes do not share it");
    },
  );
});
