import { messageOf } from "#core/errors/component-error.ts";
import type { InputBinding } from "#core/ports/bindings.ts";
import type { CallOptions } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";

/** Wakes at least so often, so that a clock that was set is noticed. */
const longestSleepMs = 3_600_000;
/** Dapr: an event does not wait for the one before. An app that hangs must not fill the memory, though. */
const maxInFlight = 100;

export async function open(spec: ComponentSpec, host: Host): Promise<InputBinding> {
  const text = spec.metadata["schedule"] ?? "";
  if (text.trim() === "")
    throw new Error("schedule not set; give one like 0 30 * * * * or @every 15m");
  const schedule = parseSchedule(text, host.clock.now());
  const closed = new AbortController();
  return {
    listen: async (deliver, { signal }) => {
      const ending = { signal: AbortSignal.any([signal, closed.signal]) };
      if (!ending.signal.aborted) void run(spec.name, schedule, host, deliver, ending);
    },
    [Symbol.asyncDispose]: async () => closed.abort(new Error("The binding is closed")),
  };
}

/** Never rejects. */
async function run(
  name: string,
  schedule: Schedule,
  { clock, log }: Host,
  deliver: Parameters<InputBinding["listen"]>[0],
  options: CallOptions,
): Promise<void> {
  let inFlight = 0;
  const fire = async (): Promise<void> => {
    if (inFlight >= maxInFlight) {
      log.warn(`Binding ${name} leaves out an event: ${maxInFlight} are still with the app`);
      return;
    }
    inFlight++;
    try {
      await deliver({ metadata: { timeZone: "Local", readTimeUTC: goTime(clock.now()) } }, options);
    } catch (reason) {
      // Dapr: a failed event is not repeated; the next one comes in time.
      log.debug(`An event of binding ${name} failed: ${messageOf(reason)}`);
    } finally {
      inFlight--;
    }
  };
  for (;;) {
    const due = schedule.next(clock.now());
    if (due === undefined) {
      log.warn(`The schedule of binding ${name} is over`);
      return;
    }
    try {
      for (let left = due - clock.now(); left > 0; left = due - clock.now())
        await clock.sleep(Math.min(left, longestSleepMs), options);
    } catch {
      return;
    }
    if (options.signal.aborted) return;
    void fire();
  }
}

/** A time in UTC as Go prints it. */
function goTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  const fraction = iso.slice(19, 23).replace(/\.?0+$/, "");
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction} +0000 UTC`;
}
