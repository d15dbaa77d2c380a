import type { Announcement } from "#core/ports/name-resolver.ts";
import type { DnsRecord } from "./client.ts";

/** As in Dapr; an instance of the service is `<instance>.<app id>.local`. */
export function serviceOf(appId: string): string {
  return `${appId}.local`;
}

/** The records that announce an instance; with a TTL of 0 they take it back. */
export function recordsOf(
  app: Announcement,
  instance: string,
  ttl: number,
): { readonly pointer: DnsRecord; readonly details: readonly DnsRecord[] } {
  const service = serviceOf(app.appId);
  const name = `${instance}.${service}`;
  const target = `${instance.replace(/[^\w-]/g, "-")}.local`;
  const isIp6 = app.host.includes(":");
  return {
    pointer: { type: "PTR", name: service, ttl, data: name },
    details: [
      { type: "SRV", name, ttl, data: { port: app.port, target } },
      { type: "TXT", name, ttl, data: [app.appId] },
      { type: isIp6 ? "AAAA" : "A", name: target, ttl, data: app.host },
    ],
  };
}

/** `undefined` for a name that is not a service's. */
export function appIdOf({ name }: DnsRecord): string | undefined {
  return name.endsWith(".local") ? name.slice(0, -".local".length) : undefined;
}

/** `host:port` of each instance that the records tell of completely. */
export function addressesOf(records: readonly DnsRecord[], instance: string): readonly string[] {
  const out: string[] = [];
  for (const service of records) {
    if (service.type !== "SRV" || service.name !== instance) continue;
    for (const host of records)
      if (host.name === service.data.target && (host.type === "A" || host.type === "AAAA"))
        out.push(
          host.type === "A"
            ? `${host.data}:${service.data.port}`
            : `[${host.data}]:${service.data.port}`,
        );
  }
  return out;
}
