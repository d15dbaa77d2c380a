import { headerOf } from "#core/util/header-list.ts";
import type { PipelineRequest } from "#core/ports/http-middleware.ts";

/**
 * Whose requests are counted together. Dapr: the last address of `X-Forwarded-For` counts, then `X-Real-IP`,
 * then the peer, so that a proxy's clients are told apart. An IPv6 address stands for its /64 network.
 */
export function remoteIp({ headers, remoteAddress }: PipelineRequest): string {
  const forwarded = headerOf(headers, "x-forwarded-for") || undefined;
  const ip =
    forwarded?.split(",").at(-1)?.trim() ??
    (headerOf(headers, "x-real-ip") || undefined) ??
    remoteAddress ??
    "";
  return ip === "" ? "0.0.0.0" : network(ip);
}

function network(ip: string): string {
  if (ip.includes(".") || !ip.includes(":")) return ip;
  const whole = ip.replace(/%.*$/, "");
  // The URL parser is the platform's own reader of IPv6.
  if (!URL.canParse(`http://[${whole}]/`)) return ip;
  const [head = "", tail] = new URL(`http://[${whole}]/`).hostname.slice(1, -1).split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [
    ...before,
    ...Array<string>(8 - before.length - after.length).fill("0"),
    ...after,
  ];
  return `${groups.slice(0, 4).join(":")}::`;
}
