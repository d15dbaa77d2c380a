import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

export const names: Manifest<"nameresolution"> = defineComponent({
  kind: "nameresolution",
  type: "nameresolution.sqlite",
  version: "v1",
  targets: ["node"],
  about:
    "Finds apps in a table that the runtime processes of a machine share, as Dapr's sidecars do.",
  options: {
    connectionString: {
      type: "string",
      required: true,
      about:
        "Path of the database, as for the state store; :memory: is not shared with other processes.",
    },
    tableName: { type: "string", default: "hosts", about: "Name of the table with the addresses." },
    metadataTableName: {
      type: "string",
      default: "metadata",
      about: "Name of the table with the version of the schema.",
    },
    updateInterval: {
      type: "duration",
      default: "5s",
      about:
        "Time after which a host that has not renewed its registration counts as gone, in whole seconds.",
    },
    timeout: { type: "duration", default: "1s", about: "Timeout of a query." },
  },
  open: async (spec, host) => (await import("./name-resolver.ts")).open(spec, host),
});

/** Which file, and how to get along with other processes that use it. */
const fileOptions: OptionTable = {
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
};

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.sqlite",
  aliases: ["state.sqlite3"],
  version: "v1",
  targets: ["node"],
  about:
    "Keeps state in a SQLite file, in the same tables as Dapr; a write is on disk before it is acknowledged.",
  options: {
    ...fileOptions,
    tableName: {
      type: "string",
      default: "state",
      about: "Name of the table with the values: letters, digits and underscores.",
    },
    metadataTableName: {
      type: "string",
      default: "metadata",
      about: "Name of the table with the version of the schema: letters, digits and underscores.",
    },
    cleanupInterval: {
      type: "duration",
      default: "0",
      about:
        "Interval for removing expired rows, which are invisible anyway (a number without a unit means seconds, alias: cleanupIntervalInSeconds); 0 keeps them.",
    },
  },
  open: async (spec, host) => (await import("./state-store.ts")).open(spec, host),
});

/** Its options are some of the state store's, as the actor state store's settings may be what it is opened with. */
export const coordination: Manifest<"coordination"> = defineComponent({
  kind: "coordination",
  type: "coordination.sqlite",
  version: "v1",
  targets: ["node"],
  about:
    "Keeps owners of actors, reminders and jobs in a SQLite file that the runtimes of one machine share; a reminder or job is on disk before it is acknowledged. Not in Dapr.",
  options: {
    ...fileOptions,
    group: {
      type: "string",
      default: "default",
      about: "Runtimes that work together; those of other groups in the same file are not seen.",
    },
  },
  open: async (spec, host) => (await import("./coordination.ts")).open(spec, host),
});

/** Not a Dapr type: the default of `outrigger run` if no resources are named. */
export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.outrigger.sqlite",
  version: "v1",
  targets: ["node"],
  about:
    "Delivers messages through a SQLite file to all processes of a machine that use the file; a message is on disk before it is acknowledged (not in Dapr).",
  options: {
    connectionString: {
      type: "string",
      required: true,
      about: "Path of the file, or file:path, in an existing folder on a local disk.",
    },
    consumerID: {
      type: "string",
      about: "Name under which subscribers share messages; the app id if not set.",
    },
    concurrency: {
      type: "number",
      default: "1",
      about: "Maximum number of concurrent deliveries per subscription; 1 preserves the order.",
    },
    redeliverInterval: {
      type: "duration",
      default: "10s",
      about:
        "Time until a message that the app answered with RETRY is delivered again (a number without a unit means milliseconds); 0 drops it.",
    },
    backlog: {
      type: "duration",
      default: "1h",
      about:
        "How long a message without a subscriber is kept, and the maximum age of messages that a consumer gets when it first subscribes (a number without a unit means milliseconds).",
    },
    retention: {
      type: "duration",
      default: "24h",
      about:
        "How long a message waits for a subscribed consumer that is away, and how long such a consumer is remembered (a number without a unit means milliseconds).",
    },
    maxSizeMB: {
      type: "number",
      default: "256",
      about:
        "Maximum size of the file, above which the oldest delivered messages are removed, then those of consumers that are away; if all messages wait for consumers that are connected, publishing fails.",
    },
  },
  open: async (spec, host) => (await import("./pub-sub.ts")).open(spec, host),
});
