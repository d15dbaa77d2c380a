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
