import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWith } from "#test/support/services.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const component = (name: string, type: string, metadata: object): string =>
  JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name },
    spec: {
      type,
      version: "v1",
      metadata: Object.entries(metadata).map(([key, value]) => ({
        name: key,
        value: value as unknown,
      })),
    },
  });

const dist = join(import.meta.dirname, "../../../dist/node");
/** The files that one loads at once, its imports included. */
function loadedBy(name: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(join(dist, name), "utf8");
  for (const [, next] of text.matchAll(
    /(?:^|[;}])(?:import|export)(?:[^;"'()]*from)?"\.\/([^"]+\.js)"/gm,
  ))
    loadedBy(next as string, found);
  return found;
}

describe("the parts of the bundle", () => {
  it("that a start loads at once are few: each costs it about a millisecond", () => {
    const main = readFileSync(join(dist, "main.js"), "utf8");
    const sidecar = /import\("\.\/(sidecar-\w+\.js)"\)/.exec(
      [...loadedBy("main.js")].map((name) => readFileSync(join(dist, name), "utf8")).join("\n"),
    )?.[1];
    const start = /import\("\.\/(start-\w+\.js)"\)/.exec(main)?.[1];
    const all = [sidecar, start].flatMap((name) => [...loadedBy(name ?? "not found")]);
    expect(all).toContain("start.js");
    expect(new Set(all).size).toBeLessThan(20);
  });
  it("of commands that start no runtime leave out what does", () => {
    for (const command of ["ca", "injector", "k8s", "node"])
      expect([...loadedBy(`command-${command}.js`)]).not.toContain("start.js");
  });
});

/** The tests of components run from source; a library may still come out of the bundle in another shape. */
await describeWith("redis", "the built runtime", (service) => {
  let runtime: SidecarProcess;
  const prefix = `bundle-${crypto.randomUUID()}`;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-bundle-"));
    writeFileSync(join(folder, "secrets.txt"), JSON.stringify({ nested: { key: "value" } }));
    const redisHost = service.address;
    const documents = [
      component("red", "state.redis", { redisHost, keyPrefix: prefix }),
      component("redps", "pubsub.redis", { redisHost, streamTTL: "60s" }),
      component("mem", "state.in-memory", {}),
      component("memps", "pubsub.in-memory", {}),
      component("lite", "state.sqlite", { connectionString: join(folder, "state.db") }),
      component("file", "secretstores.local.file", { secretsFile: join(folder, "secrets.txt") }),
      component("env", "secretstores.local.env", {}),
      component("cron", "bindings.cron", { schedule: "@every 1h" }),
      component("web", "bindings.http", { url: "http://127.0.0.1:1" }),
      component("disk", "bindings.localstorage", { rootPath: join(folder, "files") }),
      component("echo", "conversation.echo", {}),
    ];
    writeFileSync(join(folder, "all.yaml"), documents.join("\n---\n"));
    runtime = await sidecar({ args: ["--app-id", "bundle", "--resources-path", folder] });
    await runtime.healthy();
  }, 40_000);
  afterAll(async () => {
    await runtime?.stop();
  });
  const call = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${runtime.httpPort}${path}`, init);

  it.each(["red", "mem", "lite"])("saves and reads state in %s", async (store) => {
    const saved = await call(`/v1.0/state/${store}`, {
      method: "POST",
      body: JSON.stringify([{ key: "k", value: { n: 1 }, metadata: { ttlInSeconds: "60" } }]),
    });
    expect(saved.status).toBe(204);
    expect(await (await call(`/v1.0/state/${store}/k`)).json()).toEqual({ n: 1 });
  });
  it.each(["redps", "memps"])("publishes to %s", async (broker) => {
    const answer = await call(`/v1.0/publish/${broker}/${prefix}`, { method: "POST", body: "x" });
    expect(answer.status).toBe(204);
  });
  it("reads secrets and writes files", async () => {
    const secret = await call("/v1.0/secrets/file/nested:key");
    expect(await secret.json()).toEqual({ "nested:key": "value" });
    const body = JSON.stringify({
      operation: "create",
      data: "hello",
      metadata: { fileName: "a.txt" },
    });
    const created = await call("/v1.0/bindings/disk", { method: "POST", body });
    expect(created.status).toBe(200);
  });
  it("lists every component, none failed", async () => {
    const { components } = (await (await call("/v1.0/metadata")).json()) as {
      components: { name: string; status?: string }[];
    };
    expect(components.filter(({ status }) => status !== undefined)).toEqual([]);
    expect(components).toHaveLength(11);
  });
});
