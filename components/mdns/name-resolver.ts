import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Host } from "#core/ports/manifest.ts";
import type { Announcement, NameResolver } from "#core/ports/name-resolver.ts";
import type { AppRef } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";
import { type DnsMessage, type DnsRecord, openDns } from "./client.ts";

/** As in Dapr: how long an answer is believed, when it is asked for anew, how long a first one is waited for. */
const addressMs = 60_000;
const refreshMs = 30_000;
const lookupMs = 2000;
const askAgainMs = 250;
const ttlSeconds = 120;
/** Far more than there are instances of one app; a network that talks more must not fill the memory. */
const maxAddresses = 64;
const maxApps = 1000;

interface Known {
  /** Address → when it stops to be believed. */
  readonly addresses: Map<string, number>;
  askedAt: number;
  turn: number;
}

/** Service names as Dapr's: `<instance>.<app id>.local`. */
export function open({ clock, log, env }: Pick<Host, "clock" | "log" | "env">): NameResolver {
  const announced: Announcement[] = [];
  const known = new Map<string, Known>();
  const waiting = new Map<string, Set<() => void>>();
  const ended = new AbortController();
  const instance = `${env["HOSTNAME"] ?? "outrigger"}:${crypto.randomUUID().slice(0, 8)}`;

  const dns = openDns(
    {
      question: ({ questions }) => {
        for (const app of announced)
          if (questions.some(({ name, type }) => asksFor(name, type, app.appId)))
            void answer(app, ttlSeconds);
      },
      answer: (message) => learn(message),
    },
    (reason) => log.warn(`mDNS: ${messageOf(reason)}`),
  );

  async function answer(app: Announcement, ttl: number): Promise<void> {
    const service = serviceOf(app.appId);
    const name = `${instance}.${service}`;
    const target = `${instance.replace(/[^\w-]/g, "-")}.local`;
    const isIp6 = app.host.includes(":");
    await dns.answer(
      [{ type: "PTR", name: service, ttl, data: name }],
      [
        { type: "SRV", name, ttl, data: { port: app.port, target } },
        { type: "TXT", name, ttl, data: [app.appId] },
        { type: isIp6 ? "AAAA" : "A", name: target, ttl, data: app.host },
      ],
    );
  }

  function learn({ records }: DnsMessage): void {
    for (const pointer of records) {
      if (pointer.type !== "PTR" || !pointer.name.endsWith(".local")) continue;
      const appId = pointer.name.slice(0, -".local".length);
      const entry = known.get(appId);
      // Only what somebody here has asked for is kept.
      if (!entry) continue;
      for (const address of addressesOf(records, pointer.data)) {
        if (pointer.ttl === 0) entry.addresses.delete(address);
        else if (entry.addresses.size < maxAddresses || entry.addresses.has(address))
          entry.addresses.set(address, clock.now() + addressMs);
      }
      if (entry.addresses.size > 0) for (const wake of waiting.get(appId) ?? []) wake();
    }
  }

  function entryOf(appId: string): Known {
    let entry = known.get(appId);
    if (!entry) {
      if (known.size >= maxApps) known.delete(known.keys().next().value as string);
      entry = { addresses: new Map(), askedAt: 0, turn: 0 };
      known.set(appId, entry);
    }
    for (const [address, until] of entry.addresses)
      if (until < clock.now()) entry.addresses.delete(address);
    return entry;
  }

  /** Asks until somebody answers; the same question of several callers goes out once. */
  async function lookUp(appId: string, options: CallOptions): Promise<void> {
    const first = !waiting.has(appId);
    const waiters = waiting.get(appId) ?? new Set();
    waiting.set(appId, waiters);
    let wake = (): void => {};
    const found = new Promise<void>((resolve) => waiters.add((wake = resolve)));
    if (first) void askWhile(appId, waiters);
    try {
      await within(clock, lookupMs, options, () => found);
    } catch {
      throw new Error(`couldn't find service: ${appId}`);
    } finally {
      waiters.delete(wake);
      if (waiters.size === 0) waiting.delete(appId);
    }
  }
  async function askWhile(appId: string, waiters: ReadonlySet<unknown>): Promise<void> {
    while (waiters.size > 0 && !ended.signal.aborted) {
      dns.ask(serviceOf(appId));
      await clock.sleep(askAgainMs, { signal: ended.signal }).catch(() => {});
    }
  }

  return {
    announce: async (app) => {
      announced.push(app);
      void answer(app, ttlSeconds);
    },
    resolve: async ({ appId }, options) => {
      const entry = entryOf(appId);
      if (entry.addresses.size === 0) {
        entry.askedAt = clock.now();
        await lookUp(appId, options);
      } else if (clock.now() - entry.askedAt > refreshMs) {
        entry.askedAt = clock.now();
        dns.ask(serviceOf(appId));
      }
      const addresses = [...entry.addresses.keys()];
      const address = addresses[entry.turn++ % addresses.length];
      if (address === undefined) throw new Error(`couldn't find service: ${appId}`);
      return address;
    },
    forget: ({ appId }: AppRef, address) => void known.get(appId)?.addresses.delete(address),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      // Others are told before the sockets close, which would take what is not sent yet with them.
      await Promise.all(announced.map((app) => answer(app, 0)));
      await dns.close();
    },
  };
}

function serviceOf(appId: string): string {
  return `${appId}.local`;
}
/** Names of DNS have no case. */
function asksFor(name: string, type: string, appId: string): boolean {
  return (
    (type === "PTR" || type === "ANY") && name.toLowerCase() === serviceOf(appId).toLowerCase()
  );
}

/** `host:port` of each instance that the records tell of completely. */
function addressesOf(records: readonly DnsRecord[], instance: string): readonly string[] {
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
