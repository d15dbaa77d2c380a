import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.sqlite",
  version: "v1",
  targets: ["node"],
  about:
    "Finds apps in a table that the runtime processes of one machine share, as Dapr's sidecars do.",
  options: {
    connectionString: {
      type: "string",
      required: true,
      about: "Path of the database, as for the state store; :memory: finds nobody else.",
    },
    tableName: { type: "string", default: "hosts", about: "Table of the addresses." },
    metadataTableName: {
      type: "string",
      default: "metadata",
      about: "Table in which the version of the schema is noted.",
    },
    updateInterval: {
      type: "duration",
      default: "5s",
      about: "A host that has not said for so long that it is there counts as gone; whole seconds.",
    },
    timeout: { type: "duration", default: "1s", about: "Longest time for one query." },
  },
  open: async (spec, host) => (await import("./name-resolver.ts")).open(spec, host),
});

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.sqlite",
  aliases: ["state.sqlite3"],
  version: "v1",
  targets: ["node"],
  about:
    "Keeps state in a SQLite file, in the tables that Dapr uses; a write is on disk before it is acknowledged.",
  options: {
    connectionString: {
      type: "string",
      required: true,
      sensitive: true,
      about:
        "Path of the database, file:path?options, or :memory:. Options may hold _pragma=name(value), except busy_timeout, journal_mode and foreign_keys. Also read as url.",
    },
    timeout: {
      type: "duration",
      default: "20s",
      about:
        "Longest time for one call, at least 1s; a bare number is seconds. Also read as timeoutInSeconds.",
    },
    busyTimeout: {
      type: "duration",
      default: "2s",
      about:
        "How long to wait while another process holds the database; 0 fails at once. A bare number is seconds.",
    },
    disableWAL: {
      type: "boolean",
      default: "false",
      about: "Turns write-ahead logging off, as a database on a network file system needs.",
    },
    tableName: {
      type: "string",
      default: "state",
      about: "Table of the values: letters, digits and underscores.",
    },
    metadataTableName: {
      type: "string",
      default: "metadata",
      about: "Table in which the version of the schema is noted: letters, digits and underscores.",
    },
    cleanupInterval: {
      type: "duration",
      default: "0",
      about:
        "Time between removals of expired rows; 0 leaves them (they are invisible anyway). A bare number is seconds. Also read as cleanupIntervalInSeconds.",
    },
  },
  open: async (spec, host) => (await import("./state-store.ts")).open(spec, host),
});

/** Dapr has no such type: it is what `outrigger run` offers where nothing else is named. */
export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.outrigger.sqlite",
  version: "v1",
  targets: ["node"],
  about:
    "Passes messages on through a SQLite file, between all processes of one machine that name it; a message is on disk before it is acknowledged. Not in Dapr.",
  options: {
    connectionString: {
      type: "string",
      required: true,
      about: "Path of the file, or file:path; its folder must exist, on a disk of this machine.",
    },
    consumerID: {
      type: "string",
      about:
        "Name under which subscribers share messages; the app id when absent. Read by the runtime.",
    },
    concurrency: {
      type: "number",
      default: "1",
      about: "Deliveries at the same time, per subscription; 1 keeps the order.",
    },
    redeliverInterval: {
      type: "duration",
      default: "10s",
      about:
        "Time until a message is delivered again that the app answered with RETRY; 0 drops it. A bare number is milliseconds.",
    },
    backlog: {
      type: "duration",
      default: "1h",
      about:
        "A consumer that subscribes for the first time gets the messages that are no older; so long a message is kept that nobody has subscribed to. A bare number is milliseconds.",
    },
    retention: {
      type: "duration",
      default: "24h",
      about:
        "How long a message waits for a consumer that has subscribed and is away, and how long such a consumer is remembered. A bare number is milliseconds.",
    },
    maxSizeMB: {
      type: "number",
      default: "256",
      about:
        "Largest size of the file. Beyond it the oldest messages go that have been delivered, then those of consumers that are away; where all wait for consumers that are there, publishing fails.",
    },
  },
  open: async (spec, host) => (await import("./pub-sub.ts")).open(spec, host),
});
