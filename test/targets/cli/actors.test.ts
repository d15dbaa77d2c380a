import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { coordination as sqlite } from "#components/sqlite/manifest.ts";
import type { ActorMember } from "#core/ports/ownership.ts";
import { openComponent } from "#test/support/host.ts";
import { temporaryFile } from "#test/support/temporary-file.ts";
import { callOptions, command, database } from "./coordination-support.ts";

const leaseMs = 60_000;
const member = (more: Partial<ActorMember> = {}): ActorMember => ({
  id: "m1",
  namespace: "",
  appId: "shop",
  address: "10.0.0.7:50002",
  types: ["cart"],
  ...more,
});
const key = (id: string, more: object = {}) => ({ namespace: "", type: "cart", id, ...more });

describe("outrigger actors", () => {
  it("lists the hosts of each type, and how many actors they own", async () => {
    await using db = await database();
    const { ownership } = db;
    await ownership.join(member({ types: ["cart", "order"] }), leaseMs, callOptions);
    const other = { id: "m2", namespace: "bank", appId: "pay", address: "10.0.0.8:50002" };
    await ownership.join(member({ ...other, types: ["account"] }), leaseMs, callOptions);
    for (const id of ["1", "2"]) await ownership.claim(key(id), "m1", callOptions);
    await ownership.claim(key("1", { type: "left" }), "m1", callOptions);
    const { code, out, err } = await command(["actors", "--coordination", db.flag]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe(
      [
        "TYPE      NAMESPACE   APP    ADDRESS          ACTIVE   MEMBER",
        "account   bank        pay    10.0.0.8:50002   0        m2",
        "cart      default     shop   10.0.0.7:50002   2        m1",
        "left      default     shop   10.0.0.7:50002   1        m1",
        "order     default     shop   10.0.0.7:50002   0        m1",
        "",
      ].join("\n"),
    );
    const json = await command([
      "actors",
      "--coordination",
      db.flag,
      "-n",
      "default",
      "-o",
      "json",
    ]);
    expect(JSON.parse(json.out)).toEqual(
      [
        ["cart", 2],
        ["left", 1],
        ["order", 0],
      ].map(([type, active]) => ({
        type,
        namespace: "default",
        appId: "shop",
        address: "10.0.0.7:50002",
        active,
        member: "m1",
      })),
    );
  });
  it("shows who owns an actor", async () => {
    await using db = await database();
    await db.ownership.join(member(), leaseMs, callOptions);
    const { fence } = await db.ownership.claim(key("7"), "m1", callOptions);
    const { code, out } = await command(["actors", "cart", "7", "--coordination", db.flag]);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        "Actor:      cart/7",
        "Namespace:  default",
        "App:        shop",
        "Address:    10.0.0.7:50002",
        "Member:     m1",
        `Fence:      ${fence}`,
        "",
      ].join("\n"),
    );
    const json = await command(["actors", "cart", "7", "-o", "json", "--coordination", db.flag]);
    expect(JSON.parse(json.out)).toEqual({
      type: "cart",
      id: "7",
      namespace: "default",
      appId: "shop",
      address: "10.0.0.7:50002",
      member: "m1",
      fence,
    });
  });
  it("of a namespace: its own, else the one of this environment", async () => {
    await using db = await database();
    await db.ownership.join(member({ namespace: "bank" }), leaseMs, callOptions);
    await db.ownership.claim(key("7", { namespace: "bank" }), "m1", callOptions);
    const args = ["actors", "cart", "7", "--coordination", db.flag];
    expect(await command(args)).toEqual({
      code: 1,
      out: "",
      err: "No host owns actor cart/7 in namespace default, according to the database of --coordination\n",
    });
    expect((await command([...args, "-n", "bank"])).code).toBe(0);
    expect((await command(args, { env: { NAMESPACE: "bank" } })).code).toBe(0);
  });
  it("shows names as text", async () => {
    await using db = await database();
    const odd = member({ appId: "a\u001b[2Jb", types: ["t\u202e"] });
    await db.ownership.join(odd, leaseMs, callOptions);
    const { out } = await command(["actors", "--coordination", db.flag]);
    expect(out).toContain("a?[2Jb");
    expect(out).not.toContain("\u001b");
    const { err } = await command(["actors", "x", "\u001b[2J", "--coordination", db.flag]);
    expect(err).toContain("x/?[2J");
  });
  it("says so when no app hosts any", async () => {
    await using db = await database();
    const { code, out, err } = await command(["actors", "--coordination", db.flag]);
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("No running app hosts actors");
    const json = await command(["actors", "-o", "json", "--coordination", db.flag]);
    expect(json.out).toBe("[]\n");
  });
  it.each([
    [["actors", "cart"], "Specify the id"],
    [["actors", "cart", "7", "8"], 'remove "8"'],
    [["actors", "--namspace", "x"], 'did you mean "namespace"?'],
    [["actors", "-o", "yaml"], "one of text, json"],
    [["actors", "--coordination", "off"], "nothing to show"],
    [["actors", "--coordination", "in-memory"], "other processes cannot see it"],
    [["actors", "--coordination", "mongo:x"], "drivers are"],
  ])("refuses %j", async (args, why) => {
    const { code, out, err } = await command(args);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(why);
    expect(err).toContain("outrigger actors --help");
  });
  it("explains itself", async () => {
    const { code, out } = await command(["actors", "--help"]);
    expect(code).toBe(0);
    expect(out).toContain("--coordination");
    expect((await command(["help"])).out).toContain("outrigger actors");
  });
});

describe("the database of owners and jobs", () => {
  const isShown = async (...given: Parameters<typeof command>): Promise<boolean> => {
    const { code, out } = await command(...given);
    expect(code).toBe(0);
    return out.includes("m1");
  };
  const filled = async (file: string, group = "default"): Promise<void> => {
    mkdirSync(dirname(file), { recursive: true });
    await using opened = await openComponent(sqlite, { connectionString: file, group });
    await opened.ownership.join(member(), leaseMs, callOptions);
  };
  it("is nowhere until something is kept, and is not made by looking", async () => {
    const folder = dirname(temporaryFile("x"));
    const env = { XDG_STATE_HOME: folder, HOME: folder };
    const missing = { cwd: folder, env };
    const { code, out, err } = await command(["actors"], missing);
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("No actors or jobs have been used here yet");
    expect((await command(["actors", "-o", "json"], missing)).out).toBe("[]\n");
    expect((await command(["actors", "cart", "7"], missing)).code).toBe(1);
    const file = join(folder, "no.db");
    for (const text of [file, `file:${file}?_pragma=foo`])
      expect(
        (await command(["actors", "--coordination", `sqlite:${text}`], missing)).err,
      ).toContain(`${file} does not exist`);
    expect(existsSync(join(folder, "outrigger"))).toBe(false);
    expect(existsSync(join(folder, ".outrigger"))).toBe(false);
    expect(existsSync(file)).toBe(false);
  });
  it("is the one of this user", async () => {
    const folder = dirname(temporaryFile("x"));
    await filled(join(folder, "outrigger/coordination.db"));
    expect(await isShown(["actors"], { env: { XDG_STATE_HOME: folder } })).toBe(true);
  });
  it("is the built-in state store of the folder, before that", async () => {
    const folder = dirname(temporaryFile("x"));
    await filled(join(folder, ".outrigger/state.db"));
    expect(await isShown(["actors"], { cwd: folder })).toBe(true);
    const { err } = await command(["actors", "nothing", "7"], { cwd: folder });
    expect(err).toContain("run this command in the folder of the app");
  });
  it("is the actor state store of resources, its secrets included", async () => {
    const folder = dirname(temporaryFile("x"));
    const file = join(folder, "elsewhere.db");
    await filled(file);
    const resources = join(folder, "resources");
    mkdirSync(resources);
    writeFileSync(join(folder, "secrets.json"), JSON.stringify({ db: file }));
    const document = (
      name: string,
      type: string,
      metadata: readonly object[],
      more = {},
    ): object => ({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name },
      spec: { type, version: "v1", metadata },
      ...more,
    });
    for (const [name, content] of Object.entries({
      a: document("plain", "state.sqlite", [{ name: "connectionString", value: "other.db" }]),
      b: document(
        "store",
        "state.sqlite",
        [
          { name: "connectionString", secretKeyRef: { name: "db", key: "db" } },
          { name: "actorStateStore", value: "true" },
        ],
        { auth: { secretStore: "secrets" } },
      ),
      c: document("secrets", "secretstores.local.file", [
        { name: "secretsFile", value: join(folder, "secrets.json") },
      ]),
    }))
      writeFileSync(join(resources, `${name}.json`), JSON.stringify(content));
    expect(await isShown(["actors", "--resources-path", "resources"], { cwd: folder })).toBe(true);
    expect(existsSync(join(folder, "other.db"))).toBe(false);
    expect((await command(["actors", "-d", "nowhere"], { cwd: folder })).err).toContain(
      "there is no such file or folder",
    );
    mkdirSync(join(folder, ".dapr"));
    renameSync(resources, join(folder, ".dapr/components"));
    expect(await isShown(["actors"], { env: { HOME: folder } })).toBe(true);
  });
  it("is divided into groups", async () => {
    const file = temporaryFile("c.db");
    await filled(file, "placement:50005");
    const args = ["actors", "--coordination", `sqlite:${file}`];
    expect(await isShown(args)).toBe(false);
    expect(await isShown([...args, "--placement-host-address", "placement:50005"])).toBe(true);
    // Dapr: run files name a scheduler for single apps; it must not hide them from the others.
    await filled(file, "default");
    expect(await isShown([...args, "--scheduler-host-address", "placement:50006"])).toBe(true);
  });
});
