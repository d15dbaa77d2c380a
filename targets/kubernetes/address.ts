import { addressOf } from "#targets/node/listen/plain-address.ts";

/** An address that may have a port already. */
export function withPort(host: string, port: number): string {
  return /^[\d.]+:\d+$|\]:\d+$/.test(host) ? host : addressOf(host, port);
}
