import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { go, goProgram } from "#test/support/go-program.ts";
import { findService } from "#test/support/services.ts";
import { sidecar, type SidecarProcess } from "#test/support/sidecar.ts";

const without = go === undefined ? " (skipped: Go is not installed)" : "";
const redis = await findService("redis");
const ends: Array<() => unknown> = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Broker {
  readonly type: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly changed: Readonly<Record<string, string>>;
}
const brokers: readonly Broker[] = [
  { type: "pubsub.in-memory", settings: {}, changed: { redeliverInterval: "20s" } },
  {
    type: "pubsub.redis",
    settings: { redisHost: redis?.address ?? "" },
    changed: { redisHost: redis?.address ?? "", queueDepth: "50" },
  },
];

/** The official Go SDK subscribes again by itself, when the stream's status is one that it takes for an interruption. */
describe.skipIf(go === undefined)(`a subscriber of github.com/dapr/go-sdk${without}`, () => {
  it.each(brokers)(
    "goes on when its $type component is changed while it runs",
    { timeout: 300_000 },
    async ({ type, settings, changed }) => {
      if (type === "pubsub.redis" && !redis) return;
      const folder = mkdtempSync(join(tmpdir(), "outrigger-subscriber-"));
      ends.push(() => rmSync(folder, { recursive: true, force: true }));
      const write = (metadata: Readonly<Record<string, string>>): void =>
        writeFileSync(join(folder, "broker.json"), document(type, metadata));
      write(settings);
      const program = await goProgram("test/e2e/go");
      const runtime = await sidecar({
        args: ["--app-id", `subscriber-${crypto.randomUUID()}`, "--resources-path", folder],
      });
      ends.push(() => runtime.stop());
      await runtime.healthy();

      const topic = crypto.randomUUID();
      if (type === "pubsub.redis" && redis) {
        const { host, port } = redis;
        ends.push(() => execFileSync("redis-cli", ["-h", host, "-p", String(port), "del", topic]));
      }
      const child = spawn(program, ["subscriber", "pubsub", topic], {
        env: { ...process.env, DAPR_GRPC_PORT: String(runtime.grpcPort) },
        stdio: ["pipe", "pipe", "inherit"],
      });
      ends.push(() => child.kill("SIGKILL"));
      let said = "";
      child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
      const says = (text: string) => eventually(() => said.includes(text), { what: text });
      await says("SUBSCRIBED");
      await publish(runtime, topic, "before");
      await says("EVENT before");

      write(changed);
      await eventually(() => runtime.output().includes("Resources reloaded"));
      // The broker keeps nothing for a subscriber that is away, so what comes meanwhile may be lost.
      await eventually(async () => {
        await publish(runtime, topic, "after");
        return said.includes("EVENT after");
      });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin.end();
      expect(await ended).toBe(0);
    },
  );
});

function document(type: string, metadata: Readonly<Record<string, string>>): string {
  return JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name: "pubsub" },
    spec: {
      type,
      version: "v1",
      metadata: Object.entries(metadata).map(([name, value]) => ({ name, value })),
    },
  });
}

async function publish({ httpPort }: SidecarProcess, topic: string, data: string): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/v1.0/publish/pubsub/${topic}`, {
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: data,
  });
  if (answer.status !== 204) throw new Error(`publishing answered ${answer.status}`);
}
