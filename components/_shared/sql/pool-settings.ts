import type { Options } from "#components/_shared/options.ts";

export interface PoolSettings {
  readonly timeoutMs: number;
  readonly mostConnections: number;
  readonly idleMs: number;
}

/** The options `timeout`, `maxConns` and `connectionMaxIdleTime`, which have defaults. */
export function readPoolSettings(options: Options): PoolSettings {
  const mostConnections = options.number("maxConns") ?? 0;
  if (!Number.isInteger(mostConnections) || mostConnections < 1)
    throw new Error("maxConns must be a whole number from 1");
  const timeoutMs = options.duration("timeout", 1000) ?? 0;
  if (timeoutMs <= 0) throw new Error("timeout must be greater than 0");
  const idleMs = Math.max(0, options.duration("connectionMaxIdleTime", 1000) ?? 0);
  return { timeoutMs, mostConnections, idleMs };
}
