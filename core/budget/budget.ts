import type { Meter } from "#core/telemetry/meter.ts";
import type { LoopShare } from "./loop-share.ts";
import type { BudgetSettings } from "#core/resources/budget.ts";

/** What is used up. */
export type Shortage = "concurrent calls" | "body bytes" | "open streams" | "event loop";

/** What an app uses now of what it may. Each `enter` that is let in is followed by one `leave`. */
export interface Budget {
  /** `bytes`: of the request's body, as far as they are known. Answers what there is not enough of. */
  enter(bytes: number): Shortage | undefined;
  leave(bytes: number): void;
  /** A call that was let in has turned out to be as much work as so many more. */
  charge(calls: number): void;
  /** Resolves when a call that was not let in may be told so; `undefined`: now. */
  holdBack(bytes: number): Promise<void> | undefined;
  openStream(): Shortage | undefined;
  closeStream(): void;
}
/** Goes on from one set of documents to the next. */
export interface Usage {
  calls: number;
  bytes: number;
  streams: number;
}
export function createUsage(): Usage {
  return { calls: 0, bytes: 0, streams: 0 };
}

/** `undefined` where nothing is limited. */
export function createBudget(
  settings: BudgetSettings,
  usage: Usage,
  loop: LoopShare,
  meter: Meter | undefined,
): Budget | undefined {
  const { maxConcurrentCalls, maxBodyBytesInFlight, maxOpenStreams, maxLoopMsPerSecond } = settings;
  if (Object.keys(settings).length === 0) return undefined;
  const calls = maxConcurrentCalls ?? Number.POSITIVE_INFINITY;
  const body = maxBodyBytesInFlight ?? Number.POSITIVE_INFINITY;
  const streams = maxOpenStreams ?? Number.POSITIVE_INFINITY;
  const share = maxLoopMsPerSecond === undefined ? undefined : loop.take(maxLoopMsPerSecond);
  const refusals = loop.holdBack();
  function refuse(reason: Shortage): Shortage {
    meter?.count("outrigger_app_refused_total", { reason });
    return reason;
  }
  return {
    enter: (bytes) => {
      if (usage.calls >= calls) return refuse("concurrent calls");
      if (usage.bytes + bytes > body && bytes > 0) return refuse("body bytes");
      if (share && !share.admits(bytes, refusals?.isHolding ?? false)) return refuse("event loop");
      usage.calls++;
      usage.bytes += bytes;
      return undefined;
    },
    leave: (bytes) => {
      usage.calls--;
      usage.bytes -= bytes;
    },
    charge: (more) => (share ?? loop).charge(more),
    holdBack: (bytes) => refusals?.turn(bytes),
    openStream: () => {
      if (usage.streams >= streams) return refuse("open streams");
      usage.streams++;
      return undefined;
    },
    closeStream: () => {
      usage.streams--;
    },
  };
}
