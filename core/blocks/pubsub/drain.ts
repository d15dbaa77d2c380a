import type { Loaded } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { Clock, Log } from "#core/ports/platform.ts";
import { within } from "#core/util/time-limit.ts";
import type { Started } from "./start-subscription.ts";

/** Subscriptions on their way out. */
export interface Draining {
  readonly running: ReadonlyArray<{
    readonly started: Started;
    readonly component: Loaded<"pubsub">;
  }>;
  /** True: the app is stopping, and does not subscribe again. */
  readonly isFinal: boolean;
  /** Takes nothing more in. */
  close(): void;
  readonly clock: Clock;
  readonly log: Log;
  /** Log fields that say whose they are. */
  readonly fields: object;
}

const drainMs = 30_000;
const pauseMs = 5000;
/** A broker that is paused has handed out everything once nothing has come for so long. */
const quietMs = 100;

/**
 * Takes no more in, and waits for what is in flight, at most 30 s. Dapr: before the app stops, a broker that can be
 * paused is, and what it has handed out by then is still taken in.
 */
export async function drainSubscriptions(draining: Draining, options: CallOptions): Promise<void> {
  const { running, isFinal, close, clock, log, fields } = draining;
  const idle = async (): Promise<void> =>
    void (await Promise.all(running.map(({ started }) => started.idle())));
  const pausing = new Set(
    isFinal ? running.map(({ component }) => component).filter(({ port }) => port.pause) : [],
  );
  try {
    await within(clock, drainMs, options, async (limited) => {
      if (pausing.size > 0) {
        const paused = await Promise.all(
          [...pausing].map((each) => pause(each, draining, limited)),
        );
        if (paused.includes(true)) await untilQuiet(draining, idle, limited);
      }
      close();
      await idle();
    });
  } catch (reason) {
    log.warn(`Ending deliveries that are still in flight: ${messageOf(reason)}`, fields);
  } finally {
    close();
  }
}

/** False where the broker hands out more as before. */
async function pause(
  { name, port }: Loaded<"pubsub">,
  { clock, log, fields }: Draining,
  options: CallOptions,
): Promise<boolean> {
  try {
    return await within(clock, pauseMs, options, async (limited) => port.pause?.(limited) ?? false);
  } catch (reason) {
    log.warn(`Cannot pause pub/sub component ${name}: ${messageOf(reason)}`, fields);
    return false;
  }
}

async function untilQuiet(
  { running, clock }: Draining,
  idle: () => Promise<void>,
  options: CallOptions,
): Promise<void> {
  const taken = (): number => running.reduce((sum, { started }) => sum + started.taken, 0);
  for (let before = -1; before !== taken();) {
    before = taken();
    await idle();
    await clock.sleep(quietMs, options);
  }
}
