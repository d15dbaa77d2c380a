/** `host:port`, IPv6 in brackets. */
export function addressOf(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
/** An address that may have a port already. */
export function withPort(host: string, port: number): string {
  return /^[\d.]+:\d+$|\]:\d+$/.test(host) ? host : addressOf(host, port);
}
