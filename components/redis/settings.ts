import { isIP } from "node:net";
import { type Options, optionsOf } from "#components/_shared/options.ts";
import type { ComponentSpec, OptionTable } from "#core/ports/manifest.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}
export interface RedisSettings {
  readonly mode: "node" | "sentinel" | "cluster";
  readonly addresses: readonly RedisAddress[];
  /** For messages. */
  readonly where: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly sentinel: {
    readonly name: string;
    readonly username: string | undefined;
    readonly password: string | undefined;
  };
  readonly tls: RedisTls | undefined;
  readonly dialTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly connect: {
    readonly retries: number;
    readonly minPauseMs: number;
    readonly maxPauseMs: number;
  };
}
export interface RedisTls {
  readonly rejectUnauthorized: boolean;
  readonly cert?: string;
  readonly key?: string;
}

export function readSettings(spec: ComponentSpec, table: OptionTable): RedisSettings {
  const options = optionsOf(spec, table);
  for (const name of ["useEntraID", "useAzureAD", "useOIDC"])
    if (options.flag(name))
      throw new Error(`${name} is not supported; use redisUsername and redisPassword`);
  const host = options.text("redisHost");
  if (host === undefined) throw new Error("redisHost is missing; give the server's host:port");
  const addresses = host
    .split(",")
    .map((text) => readAddress(text.trim(), options.number("redisPort")));
  const mode = readMode(options);
  if (mode === "node" && addresses.length > 1)
    throw new Error(
      "redisHost names several hosts; set redisType to cluster, or failover to true for sentinels",
    );
  const database = options.number("redisDB") ?? 0;
  if (!Number.isInteger(database) || database < 0)
    throw new Error("redisDB must be a whole number from 0");
  if (mode === "cluster" && database !== 0) throw new Error("a Redis cluster has no redisDB but 0");
  return {
    mode,
    addresses,
    where: host,
    username: options.text("redisUsername"),
    password: options.text("redisPassword"),
    database,
    sentinel: {
      name: options.text("sentinelMasterName") ?? "",
      username: options.text("sentinelUsername"),
      password: options.text("sentinelPassword"),
    },
    tls: options.flag("enableTLS") ? readTls(options) : undefined,
    dialTimeoutMs: positive(options.duration("dialTimeout", 1), 5000),
    readTimeoutMs: positive(options.duration("readTimeout", 1), 3000),
    connect: {
      retries: Math.max(0, options.number("redisMaxRetries") ?? 0),
      minPauseMs: Math.max(0, options.duration("redisMinRetryInterval", 1) ?? 0),
      maxPauseMs: Math.max(0, options.duration("redisMaxRetryInterval", 1) ?? 0),
    },
  };
}

function readMode(options: Options): RedisSettings["mode"] {
  const type = options.text("redisType") ?? "node";
  if (type !== "node" && type !== "cluster")
    throw new Error(`redisType must be node or cluster, not ${type}`);
  if (!options.flag("failover")) return type;
  if (type === "cluster")
    throw new Error("failover with redisType cluster is not supported; use one of them");
  if (options.text("sentinelMasterName") === undefined)
    throw new Error("failover needs sentinelMasterName, the sentinels' name for the server");
  return "sentinel";
}

function readTls(options: Options): RedisTls {
  const cert = options.text("clientCert");
  const key = options.text("clientKey");
  if ((cert === undefined) !== (key === undefined))
    throw new Error("clientCert and clientKey go together; give both");
  return {
    rejectUnauthorized: !options.flag("insecureSkipTLSVerify"),
    ...(cert !== undefined && key !== undefined ? { cert, key } : {}),
  };
}

function readAddress(text: string, port: number | undefined): RedisAddress {
  // A bare IPv6 address has colons of its own.
  const found = isIP(text) === 6 ? null : /^(.*):(\d+)$/.exec(text);
  if (found === null) return { host: unbracketed(text), port: port ?? 6379 };
  if (port !== undefined && Number(found[2]) !== port)
    throw new Error(
      `redis host "${text}" already contains port ${found[2]}, but redisPort is set to ${port}; either remove the port from redisHost or remove the redisPort setting`,
    );
  return { host: unbracketed(found[1] as string), port: Number(found[2]) };
}
function unbracketed(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
/** Dapr: zero and below mean the default. */
function positive(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 ? value : otherwise;
}
