import { directoryOf } from "#core/blocks/_shared/durable.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { RuntimeServices } from "#core/kernel/runtime-services.ts";
import type { MemberLease } from "#core/ownership/membership.ts";
import type { Pauses } from "#core/util/backoff.ts";
import { anyFired, keepRunning } from "#core/util/keep-running.ts";
import { type LocalHost, localHosts } from "./local-hosts.ts";

const pauses: Pauses = { firstMs: 1000, longestMs: 30_000 };

/**
 * Tells callers on this machine that keep their owners elsewhere of a host, until the signal fires: they send it their
 * calls, and it says who owns the actor. What goes wrong is only logged, since those who share its database find it there.
 */
export async function announce(
  host: LocalHost,
  { member }: Pick<MemberLease, "member">,
  services: RuntimeServices,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = services.platform;
  const locals = services.part(localHosts);
  const { id: _, ...replica } = member;
  await keepRunning(
    async () => {
      const directory = await directoryOf(host.app, services, true);
      if (!directory) return "done";
      const lease = await directory.membership.join(replica);
      locals.set(lease.member.id, host);
      await anyFired(lease.lost, signal);
      locals.delete(lease.member.id);
      await lease.leave().catch(() => {});
    },
    {
      pauses,
      clock,
      signal,
      failed: (reason) =>
        log.debug(`Cannot announce a host of actors on this machine: ${messageOf(reason)}`),
    },
  );
}
