import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Host } from "#core/ports/manifest.ts";
import type { Announcement, NameResolver } from "#core/ports/name-resolver.ts";
import type { AppRef } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";
import { openDns } from "./client.ts";
import { createInstanceCache } from "./instance-cache.ts";
import { recordsOf, serviceOf } from "./service-records.ts";

/** As in Dapr: when an answer is asked for again, how long the first one is waited for. */
const refreshMs = 30_000;
const lookupMs = 2000;
const askAgainMs = 250;
const ttlSeconds = 120;

/** Announces apps and finds those of other processes by multicast DNS, as Dapr does. */
export function open({ clock, log, env }: Pick<Host, "clock" | "log" | "env">): NameResolver {
  const announced: Announcement[] = [];
  const known = createInstanceCache(clock);
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
      answer: ({ records }) => {
        for (const appId of known.learn(records))
          for (const wake of waiting.get(appId) ?? []) wake();
      },
    },
    (reason) => log.warn(`mDNS: ${messageOf(reason)}`),
  );

  async function answer(app: Announcement, ttl: number): Promise<void> {
    const { pointer, details } = recordsOf(app, instance, ttl);
    await dns.answer([pointer], details);
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
      const entry = known.of(appId);
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
    forget: ({ appId }: AppRef, address) => known.forget(appId, address),
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      // Others are told before the sockets close, which would take what is not sent yet with them.
      await Promise.all(announced.map((app) => answer(app, 0)));
      await dns.close();
    },
  };
}

/** Names of DNS have no case. */
function asksFor(name: string, type: string, appId: string): boolean {
  return (
    (type === "PTR" || type === "ANY") && name.toLowerCase() === serviceOf(appId).toLowerCase()
  );
}
