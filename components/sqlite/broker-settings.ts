import { optionsOf } from "#components/_shared/options.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";
import { pubsub } from "./manifest.ts";
import { readConnection } from "./settings.ts";

export interface BrokerSettings {
  /** What SQLite opens: a path or a `file:` URI. */
  readonly location: string;
  /** The file itself. */
  readonly path: string;
  readonly pragmas: readonly string[];
  /** Deliveries at the same time, per subscription. */
  readonly concurrency: number;
  /** Time until a message that the app wants again is delivered again. */
  readonly redeliverMs: number;
  /** How long a message waits for a consumer that is known. */
  readonly retentionMs: number;
  /** What a consumer gets that subscribes for the first time: messages no older than that. */
  readonly backlogMs: number;
  readonly maxBytes: number;
}

export function readBrokerSettings(spec: ComponentSpec): BrokerSettings {
  const options = optionsOf(spec, pubsub.options);
  const connection = options.text("connectionString");
  if (connection === undefined) throw new Error("missing connection string");
  const { location, pragmas } = readConnection(connection, false);
  if (!pragmas.includes("journal_mode=WAL"))
    throw new Error(
      "the connection string must name a file that may be written to; use pubsub.in-memory for a broker without one",
    );
  const duration = (name: string): number => {
    const value = options.duration(name, 1) ?? 0;
    if (value < 0) throw new Error(`${name} must not be negative`);
    return value;
  };
  const count = (name: string): number => {
    const value = options.number(name) ?? 0;
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`${name} must be a whole number from 1, not ${value}`);
    return value;
  };
  const retentionMs = duration("retention");
  return {
    location,
    path: (location.split("?", 1)[0] as string).slice("file:".length).replace(/^\/\/(?=\/)/, ""),
    pragmas,
    concurrency: count("concurrency"),
    redeliverMs: duration("redeliverInterval"),
    retentionMs,
    backlogMs: Math.min(retentionMs, duration("backlog")),
    maxBytes: count("maxSizeMB") * 1024 * 1024,
  };
}
