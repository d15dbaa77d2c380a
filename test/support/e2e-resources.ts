import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findService } from "./services.ts";

export interface E2eResources {
  readonly folder: string;
  /** True: `locks` and `settings` are there. */
  readonly redis: boolean;
  /** Puts an item into the configuration store. */
  setConfiguration(key: string, value: string): void;
}

/** One component of each kind, as the SDKs' suites use them; names are the same for every SDK. */
export async function e2eResources(): Promise<E2eResources> {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-e2e-"));
  const redis = await findService("redis");
  const files = join(folder, "files");
  const keys = join(folder, "keys");
  mkdirSync(files);
  mkdirSync(keys);
  writeFileSync(
    join(keys, "rsa.pem"),
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    }),
  );
  writeFileSync(join(keys, "symmetric"), randomBytes(32).toString("base64"));
  writeFileSync(join(folder, "secrets.json"), JSON.stringify({ apiKey: "s3cret", other: "x" }));
  const component = (name: string, type: string, metadata: Readonly<Record<string, string>> = {}) =>
    JSON.stringify({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name },
      spec: {
        type,
        version: "v1",
        metadata: Object.entries(metadata).map(([key, value]) => ({ name: key, value })),
      },
    });
  const resources = join(folder, "resources");
  mkdirSync(resources);
  const documents = [
    component("statestore", "state.in-memory"),
    component("sqlite", "state.sqlite", { connectionString: join(folder, "state.db") }),
    component("pubsub", "pubsub.in-memory"),
    component("files", "bindings.localstorage", { rootPath: files }),
    component("secrets", "secretstores.local.file", { secretsFile: join(folder, "secrets.json") }),
    component("vault", "crypto.dapr.localstorage", { path: keys }),
    component("echo", "conversation.echo"),
    component("tick", "bindings.cron", { schedule: "@every 1s" }),
  ];
  if (redis) {
    const redisHost = redis.address;
    documents.push(
      component("locks", "lock.redis", { redisHost }),
      component("settings", "configuration.redis", { redisHost }),
    );
    execFileSync("redis-cli", [
      "-h",
      redis.host,
      "-p",
      String(redis.port),
      "config",
      "set",
      "notify-keyspace-events",
      "KEA",
    ]);
  }
  documents.forEach((text, i) => writeFileSync(join(resources, `${i}.json`), text));
  return {
    folder: resources,
    redis: redis !== undefined,
    setConfiguration: (key, value) => {
      if (!redis) throw new Error("There is no Redis here");
      execFileSync("redis-cli", ["-h", redis.host, "-p", String(redis.port), "set", key, value]);
    },
  };
}
