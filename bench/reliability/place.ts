import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { freePort } from "#test/support/free-port.ts";
import { end, type Life, listens, untilUp } from "../runtime.ts";

/** Where the runtimes of one run keep owners, due times and state. */
export interface Place {
  /** A folder of this run. */
  readonly folder: string;
  /** The value of `--coordination`. */
  readonly coordination: string;
  /** Names that no other run uses. */
  readonly run: string;
  /** The server of the run stands still for so long; `undefined` if the run has none. */
  readonly stall: ((ms: number) => Promise<void>) | undefined;
}

/**
 * `sqlite` is a file in the folder of the run, `redis` a server of the run. With a connection (`redis:localhost:6379`,
 * `sqlite:/var/lib/x.db`, `postgresql:…`), the database is one that exists; keys in Redis are removed afterwards.
 */
export async function preparePlace(asked: string, life: Life): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-reliability-"));
  life.after.defer(() => rmSync(folder, { recursive: true, force: true }));
  const run = `r${Date.now().toString(36)}`;
  const server = asked === "redis" ? await startRedis(folder, life) : undefined;
  const coordination =
    server?.connection ??
    (asked === "sqlite" ? `sqlite:${join(folder, "coordination.db")}` : asked);
  const [driver, ...rest] = coordination.split(":");
  if (driver === "redis" && asked !== "redis") removeKeysAfter(rest.join(":"), run, life);
  mkdirSync(join(folder, "resources"));
  const [type, setting, value] =
    driver === "redis"
      ? ["state.redis", "redisHost", rest.join(":")]
      : ["state.sqlite", "connectionString", join(folder, "state.db")];
  writeFileSync(
    join(folder, "resources/state.yaml"),
    `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: store
spec:
  type: ${type}
  version: v1
  metadata:
    - name: ${setting}
      value: ${JSON.stringify(value)}
    - name: actorStateStore
      value: "true"
`,
  );
  return { folder, coordination, run, stall: server?.stall };
}

async function startRedis(
  folder: string,
  life: Life,
): Promise<{ readonly connection: string; stall(ms: number): Promise<void> }> {
  const port = await freePort();
  const child = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""],
    { stdio: "ignore" },
  );
  life.after.defer(() => end(child));
  await untilUp("Redis", child, life, () => listens(port));
  return {
    connection: `redis:127.0.0.1:${port}`,
    stall: async (ms) => {
      child.kill("SIGSTOP");
      await new Promise((done) => setTimeout(done, ms));
      child.kill("SIGCONT");
    },
  };
}

function removeKeysAfter(address: string, run: string, { after }: Life): void {
  after.defer(async () => {
    const client = createClient({ url: `redis://${address}` });
    client.on("error", () => {});
    await client.connect();
    for await (const keys of client.scanIterator({ MATCH: `*${run}*`, COUNT: 1000 }))
      if (keys.length > 0) await client.unlink(keys);
    await client.close();
  });
}
