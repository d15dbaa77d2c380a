import { groupOption } from "#components/_shared/group-option.ts";
import { defineComponent, type Manifest, type OptionTable } from "#core/ports/manifest.ts";

/** Options of every Redis component. */
const connectionOptions: OptionTable = {
  redisHost: {
    type: "string",
    required: true,
    about:
      "host:port of the server; with failover, of the sentinels, and with redisType cluster, of the nodes, separated by commas.",
  },
  redisPort: { type: "number", about: "Port for hosts without a port; 6379 if not set." },
  redisUsername: {
    type: "string",
    about: "ACL user; if not set, the default user.",
  },
  redisPassword: { type: "string", sensitive: true, about: "Password of the user." },
  redisDB: {
    type: "number",
    default: "0",
    about: "Database number; a cluster has only database 0.",
  },
  redisType: { type: "string", default: "node", about: "node or cluster." },
  failover: {
    type: "boolean",
    default: "false",
    about: "Whether to find the server through sentinels.",
  },
  sentinelMasterName: {
    type: "string",
    about: "Name of the server at the sentinels; required with failover.",
  },
  sentinelUsername: { type: "string", about: "ACL user at the sentinels." },
  sentinelPassword: { type: "string", sensitive: true, about: "Password at the sentinels." },
  enableTLS: { type: "boolean", default: "false", about: "Whether to connect with TLS." },
  insecureSkipTLSVerify: {
    type: "boolean",
    default: "false",
    about: "Whether to accept any certificate of the server; for tests only.",
  },
  clientCert: { type: "string", about: "Client certificate for TLS, as PEM text." },
  clientKey: {
    type: "string",
    sensitive: true,
    about: "Key of the client certificate, as PEM text.",
  },
  dialTimeout: {
    type: "duration",
    default: "5s",
    about: "Timeout for connecting; a number without a unit means milliseconds.",
  },
  readTimeout: {
    type: "duration",
    default: "3s",
    about:
      "Time without a response after which the connection is closed and opened again; a number without a unit means milliseconds.",
  },
  redisMaxRetries: {
    type: "number",
    default: "3",
    about:
      "Retries of the first connection at start-up, or -1 for none; later connections are retried without a limit.",
  },
  redisMinRetryInterval: {
    type: "duration",
    default: "8ms",
    about: "Minimum time between these retries.",
  },
  redisMaxRetryInterval: {
    type: "duration",
    default: "512ms",
    about: "Maximum time between these retries.",
  },
  useEntraID: {
    type: "boolean",
    default: "false",
    about: "Not supported; the component does not start if it is true.",
  },
  useOIDC: {
    type: "boolean",
    default: "false",
    about: "Not supported; the component does not start if it is true.",
  },
  ...withoutEffect(
    ["writeTimeout", "poolTimeout", "maxConnAge", "idleCheckFrequency", "idleTimeout"],
    "duration",
  ),
  ...withoutEffect(["poolSize", "minIdleConns"], "number"),
};

function withoutEffect(names: readonly string[], type: "duration" | "number"): OptionTable {
  const about = "Accepted, but has no effect: all calls share one connection.";
  return Object.fromEntries(names.map((name) => [name, { type, about }]));
}

export const state: Manifest<"state"> = defineComponent({
  kind: "state",
  type: "state.redis",
  version: "v1",
  targets: ["node", "azure-functions"],
  about: "Keeps state in Redis, in the same hashes as Dapr; transactions are atomic.",
  options: {
    ...connectionOptions,
    ttlInSeconds: {
      type: "number",
      about: "Time to live in seconds for values that are written without one.",
    },
  },
  open: async (spec, host) => (await import("./state-store.ts")).open(spec, host),
});

export const pubsub: Manifest<"pubsub"> = defineComponent({
  kind: "pubsub",
  type: "pubsub.redis",
  version: "v1",
  targets: ["node"],
  about:
    "Delivers messages through Redis streams, one per topic, with one consumer group per consumer.",
  options: {
    ...connectionOptions,
    consumerID: {
      type: "string",
      about: "Name of the consumer group; the app id if not set.",
    },
    processingTimeout: {
      type: "duration",
      default: "60s",
      about:
        "How long a message can stay unacknowledged before it is delivered again and other messages can overtake it (a number without a unit means milliseconds); 0 turns redelivery off.",
    },
    redeliverInterval: {
      type: "duration",
      default: "15s",
      about:
        "Interval for checking for such messages (a number without a unit means milliseconds); 0 turns redelivery off.",
    },
    queueDepth: { type: "number", default: "100", about: "Number of messages to fetch at once." },
    concurrency: {
      type: "number",
      default: "10",
      about: "Maximum number of concurrent deliveries per subscription; 1 preserves the order.",
    },
    maxLenApprox: {
      type: "number",
      about: "Approximate maximum number of messages in a stream; if not set, there is no limit.",
    },
    streamTTL: {
      type: "duration",
      about: "Age at which messages are removed from a stream; ignored if maxLenApprox is set.",
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
    "Reads settings from Redis strings (value||version), and reports changes based on the server's key events.",
  options: connectionOptions,
  open: async (spec, host) => (await import("./configuration-store.ts")).open(spec, host),
});

/** If nothing runs between two requests, changes cannot be watched. */
export const configurationOnRequest: Manifest<"configuration"> = defineComponent({
  ...configuration,
  targets: ["azure-functions"],
  about: "Reads settings from Redis strings (value||version), and does not report changes.",
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
  about:
    "Keeps locks in Redis, on a single server without replicas, or on the server that sentinels choose.",
  options: {
    ...connectionOptions,
    maxRetries: { type: "number", about: "Accepted, but has no effect: a lock is tried once." },
    maxRetryBackoff: {
      type: "duration",
      about: "Accepted, but has no effect: a lock is tried once.",
    },
  },
  open: async (spec, host) => (await import("./lock-store.ts")).open(spec, host),
});

export const coordination: Manifest<"coordination"> = defineComponent({
  kind: "coordination",
  type: "coordination.redis",
  version: "v1",
  targets: ["node"],
  about: "Keeps owners of actors, reminders and jobs in Redis, for all runtimes of a group.",
  options: { ...connectionOptions, ...groupOption },
  open: async (spec, host) => (await import("./coordination.ts")).open(spec, host),
});
