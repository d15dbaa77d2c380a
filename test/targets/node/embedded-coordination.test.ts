import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { type networkInterfaces, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  embeddedCoordination,
  embeddedFile,
  embeddedGroup,
} from "#targets/node/embedded-coordination.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "outrigger-state-"));

describe("the coordination database of a user", () => {
  it("is in XDG_STATE_HOME, made when it is first needed", async () => {
    const env = { XDG_STATE_HOME: join(folder(), "not", "there") };
    const embedded = embeddedCoordination(env);
    expect(embedded.metadata["connectionstring"]).toBe(
      join(env.XDG_STATE_HOME, "outrigger/coordination.db"),
    );
    expect(await embedded.exists()).toBe(false);
    await embedded.prepare();
    expect(await embedded.exists()).toBe(false);
  });
  it("is not at a relative path, which would be another one in each folder", () => {
    expect(embeddedFile({ XDG_STATE_HOME: "state" })).not.toMatch(/^state/);
  });
  it.skipIf(userInfo().uid === 0)(
    "is among the temporary files where nothing else can be written",
    () => {
      const state = folder();
      chmodSync(state, 0o500);
      expect(dirname(embeddedFile({ XDG_STATE_HOME: state }, state))).toBe(
        join(tmpdir(), `outrigger-${userInfo().uid}`),
      );
    },
  );
  it("can be made in a folder that exists already", async () => {
    const env = { XDG_STATE_HOME: folder() };
    mkdirSync(join(env.XDG_STATE_HOME, "outrigger"));
    await embeddedCoordination(env).prepare();
  });
});

describe("a group in it", () => {
  const own = 4_026_532_177;
  type Interfaces = ReturnType<typeof networkInterfaces>;
  const card = (mac: string, internal = false) => [{ mac, internal }] as Interfaces[string];
  const none = (): Interfaces => ({ lo: card("00:00:00:00:00:00", true) });
  const two = (): Interfaces => ({
    ...none(),
    eth1: card("02:42:ac:11:00:03"),
    eth0: card("02:42:ac:11:00:02"),
  });
  it.each([
    "default",
    "127.0.0.1:50005",
    "localhost:50005",
    "[::1]:50005",
    "10.0.0.1:1,127.0.0.1:2",
  ])("%s is another one in each network namespace", (group) => {
    expect(embeddedGroup(group, own, none)).toBe(`${group} in network ${own}`);
    expect(embeddedGroup(group, own, two)).toBe(
      `${group} in network 02:42:ac:11:00:02 02:42:ac:11:00:03`,
    );
  });
  it.each(["placement.shop:50005", "10.0.0.1:50005"])("%s is one for all", (group) =>
    expect(embeddedGroup(group, own, two)).toBe(group),
  );
  it.each([4_026_531_833, 4_026_531_840, 4_026_531_992, undefined])(
    "keeps its name in the machine's own network namespace (%s)",
    (namespace) => expect(embeddedGroup("127.0.0.1:50005", namespace, two)).toBe("127.0.0.1:50005"),
  );
});
