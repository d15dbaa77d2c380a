import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

/** What every Redis component reads. */
const connectionOptions: OptionTable = {
  redisHost: {
    type: "string",
    required: true,
    about:
      "host:port of the server; with failover the sentinels, with redisType cluster the nodes, separated by commas.",
  },
  redisPort: { type: "number", about: "Port for hosts that name none; 6379 when absent." },
  redisUsername: {
    type: "string",
    about: "ACL user; without it the password is that of the default user.",
  },
  redisPassword: { type: "string", sensitive: true, about: "Password of the user." },
  redisDB: { type: "number", default: "0", about: "Database number; a cluster only has 0." },
  redisType: { type: "string", default: "node", about: "node or cluster." },
  failover: { type: "boolean", default: "false", about: "Finds the server through sentinels." },
  sentinelMasterName: {
    type: "string",
    about: "The sentinels' name for the server; required with failover.",
  },
  sentinelUsername: { type: "string", about: "ACL user at the sentinels." },
  sentinelPassword: { type: "string", sensitive: true, about: "Password at the sentinels." },
  enableTLS: { type: "boolean", default: "false", about: "Connects with TLS." },
  insecureSkipTLSVerify: {
    type: "boolean",
    default: "false",
    about: "Does not check the server's certificate; for tests only.",
  },
  clientCert: { type: "string", about: "Client certificate for TLS, PEM text." },
  clientKey: { type: "string", sensitive: true, about: "Key of the client certificate, PEM text." },
  dialTimeout: {
    type: "duration",
    default: "5s",
    about: "Longest time to connect; a bare number is milliseconds.",
  },
  readTimeout: {
    type: "duration",
    default: "3s",
    about:
      "Longest time without an answer; then the connection is closed and opened again. A bare number is milliseconds.",
  },
  redisMaxRetries: {
    type: "number",
    default: "3",
    about:
      "Attempts to connect at start-up after the first; -1 for none. Later connections are tried without end.",
  },
  redisMinRetryInterval: {
    type: "duration",
    default: "8ms",
    about: "Shortest pause between these attempts.",
  },
  redisMaxRetryInterval: {
    type: "duration",
    default: "512ms",
    about: "Longest pause between these attempts.",
  },
  useEntraID: {
    type: "boolean",
    default: "false",
    about: "Not supported; the component refuses to start with it.",
  },
  useOIDC: {
    type: "boolean",
    default: "false",
    about: "Not supported; the component refuses to start with it.",
  },
  ...withoutEffect(
    ["writeTimeout", "poolTimeout", "maxConnAge", "idleCheckFrequency", "idleTimeout"],
    "duration",
  ),
  ...withoutEffect(["poolSize", "minIdleConns"], "number"),
};

function withoutEffect(names: readonly string[], type: "duration" | "number"): OptionTable {
  const about = "Accepted and without effect: one connection carries all calls side by side.";
  return Object.fromEntries(names.map((name) => [name, { type, about }]));
}

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.redis",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Keeps state in Redis, in the hashes that Dapr uses; a transaction is all or nothing.",
  options: {
    ...connectionOptions,
    ttlInSeconds: { type: "number", about: "Time to live of values that are written without one." },
  },
  open: async (spec, host) => (await import("./state-store.ts")).open(spec, host),
});

export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.redis",
  version: "v1",
  targets: ["node"],
  about:
    "Passes messages on through Redis streams, one per topic, with a consumer group per consumer.",
  options: {
    ...connectionOptions,
    consumerID: {
      type: "string",
      about: "Name of the consumer group; the app id when absent. Read by the runtime.",
    },
    processingTimeout: {
      type: "duration",
      default: "60s",
      about:
        "How long a message may stay unacknowledged before other messages go past it and it is delivered again; 0 turns redelivery off. A bare number is milliseconds.",
    },
    redeliverInterval: {
      type: "duration",
      default: "15s",
      about:
        "Time between looks for such messages; 0 turns redelivery off. A bare number is milliseconds.",
    },
    queueDepth: { type: "number", default: "100", about: "Messages fetched at once." },
    concurrency: {
      type: "number",
      default: "10",
      about: "Deliveries at the same time, per subscription; 1 keeps the order.",
    },
    maxLenApprox: {
      type: "number",
      about: "About how many messages a stream keeps; all when absent.",
    },
    streamTTL: {
      type: "duration",
      about:
        "Age at which messages leave a stream; never when absent, or when maxLenApprox is given.",
    },
  },
  open: async (spec, host) => (await import("./pub-sub.ts")).open(spec, host),
});

export const configuration: Manifest<"configuration"> = defineComponent({
  kind: "configuration",
  type: "configuration.redis",
  version: "v1",
  targets: ["node"],
  about:
    "Reads settings from Redis strings (value||version), and tells of changes as the server's key events come.",
  options: connectionOptions,
  open: async (spec, host) => (await import("./configuration-store.ts")).open(spec, host),
});

/** Where nothing runs between two requests, nobody can watch. */
export const configurationOnRequest: Manifest<"configuration"> = defineComponent({
  ...configuration,
  targets: ["azure-functions"],
  about: "Reads settings from Redis strings (value||version); changes are not told.",
  open: async (spec, host) => {
    const { watch: _, ...port } = await configuration.open(spec, host);
    return port;
  },
});

export const lock: Manifest<"lock"> = defineComponent({
  kind: "lock",
  type: "lock.redis",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Keeps locks in Redis, on one server without replicas, or on one that sentinels point to.",
  options: {
    ...connectionOptions,
    maxRetries: { type: "number", about: "Accepted and without effect: a lock is tried once." },
    maxRetryBackoff: {
      type: "duration",
      about: "Accepted and without effect: a lock is tried once.",
    },
  },
  open: async (spec, host) => (await import("./lock-store.ts")).open(spec, host),
});
