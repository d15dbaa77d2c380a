import type { Clock } from "#core/ports/platform.ts";
import type { DnsRecord } from "./client.ts";
import { addressesOf, appIdOf } from "./service-records.ts";

/** What is known of the instances of one app. */
export interface AppInstances {
  /** Address → when it stops being valid. */
  readonly addresses: Map<string, number>;
  askedAt: number;
  turn: number;
}
/** The instances of the apps that were asked for, as long as their records are valid. */
export interface InstanceCache {
  /** Without addresses that have expired; empty for an app that was not asked for before. */
  of(appId: string): AppInstances;
  /** Returns the apps that the records name and that have an address now. */
  learn(records: readonly DnsRecord[]): readonly string[];
  forget(appId: string, address: string): void;
}

/** As in Dapr: how long an answer is valid. */
const addressMs = 60_000;
/** Far more than there are instances of one app; a network that talks more must not fill the memory. */
const maxAddresses = 64;
const maxApps = 1000;

export function createInstanceCache(clock: Pick<Clock, "now">): InstanceCache {
  const apps = new Map<string, AppInstances>();
  return {
    of: (appId) => {
      let entry = apps.get(appId);
      if (!entry) {
        if (apps.size >= maxApps) apps.delete(apps.keys().next().value as string);
        entry = { addresses: new Map(), askedAt: 0, turn: 0 };
        apps.set(appId, entry);
      }
      for (const [address, until] of entry.addresses)
        if (until < clock.now()) entry.addresses.delete(address);
      return entry;
    },
    learn: (records) => {
      const found: string[] = [];
      for (const pointer of records) {
        const appId = appIdOf(pointer);
        if (pointer.type !== "PTR" || appId === undefined) continue;
        const entry = apps.get(appId);
        // Only what somebody here has asked for is kept.
        if (!entry) continue;
        for (const address of addressesOf(records, pointer.data)) {
          if (pointer.ttl === 0) entry.addresses.delete(address);
          else if (entry.addresses.size < maxAddresses || entry.addresses.has(address))
            entry.addresses.set(address, clock.now() + addressMs);
        }
        if (entry.addresses.size > 0) found.push(appId);
      }
      return found;
    },
    forget: (appId, address) => void apps.get(appId)?.addresses.delete(address),
  };
}
