import type { App, Loaded } from "#core/kernel/app.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { BindingData } from "#core/ports/bindings.ts";
import { type CallOptions, noMetadata } from "#core/ports/component.ts";
import type { AppChannel, Clock, Log } from "#core/ports/platform.ts";
import { type Guard, unguarded } from "#core/resiliency/guard.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import type { Pauses } from "#core/util/backoff.ts";
import { repeat } from "#core/util/repeat.ts";
import { endsWithin, within } from "#core/util/time-limit.ts";
import { eventPath, postEvent } from "./deliver.ts";
import { eventHeaders } from "#core/blocks/_shared/event-headers.ts";

export type LoadedInput = Loaded<"bindings.input">;
export interface InputDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** How long the app may take to say whether it wants a binding. Default: 3 s. */
  readonly probeMs?: number;
  /** Policies of deliveries to the app, by component. */
  readonly inbound?: (component: string) => Guard;
}
/** An app's running input bindings. */
export interface RunningInputs {
  /** Takes no more events in, and waits for those in flight, at most 30 s. */
  stop(): Promise<void>;
}

const defaultProbeMs = 3000;
/** A component that has not connected by then goes on trying while the app starts. */
const listenMs = 10_000;
const drainMs = 30_000;
const refusingMs = 400;
/** Statuses of an app that is not there yet, or of what stands before it. */
const notNow: ReadonlySet<number> = new Set([502, 503, 504]);
/** Between the tries to ask an app that cannot be asked: it may be starting anew. */
const againPauses: Pauses = { firstMs: 5000, longestMs: 60_000 };

/** Starts the bindings that the app wants. One that cannot start is logged and does not stop the others. */
export async function startInputBindings(
  app: App,
  inputs: readonly LoadedInput[],
  deps: InputDeps,
  options: CallOptions,
): Promise<RunningInputs> {
  const { channel } = app;
  const intake = createIntake(app, deps, options);
  if (channel)
    await Promise.all(
      inputs.map(async (input) => {
        const wanted = await isWanted(app, channel, input, deps, options);
        if (wanted) await intake.start(channel, input);
        else if (wanted === undefined) intake.later(channel, input);
      }),
    );
  else if (inputs.length > 0)
    deps.log.warn(
      "Input bindings do not start: the app has no channel; give the port it listens on",
      {
        app_id: app.appId,
      },
    );
  return intake;
}

/** `undefined`: the app cannot be asked now. Dapr: a component that names its direction is not asked about. */
async function isWanted(
  app: App,
  channel: AppChannel,
  input: LoadedInput,
  { clock, log, probeMs = 0 }: InputDeps,
  options: CallOptions,
  level: "warn" | "debug" = "warn",
): Promise<boolean | undefined> {
  const direction = input.metadata["direction"];
  if (direction !== undefined && direction !== "")
    return direction.split(",").some((each) => each.trim().toLowerCase() === "input");
  const path = eventPath(input);
  const fields = { app_id: app.appId, component: input.name };
  try {
    const response = await within(
      clock,
      probeMs > 0 ? probeMs : defaultProbeMs,
      options,
      (limited) =>
        channel.send(
          {
            method: "OPTIONS",
            path,
            headers: eventHeaders(app, noMetadata),
            callback: { kind: "binding-probe", binding: input.name },
          },
          limited,
        ),
    );
    discard(response);
    const { status } = response;
    if ((status >= 200 && status <= 299) || status === 405) {
      log.debug(
        `The app takes events of binding ${input.name}: OPTIONS ${path} answered ${status}`,
        fields,
      );
      return true;
    }
    if (notNow.has(status)) throw new Error(`OPTIONS ${path} answered ${status}`);
    log.info(
      `The app does not take events of binding ${input.name}: OPTIONS ${path} answered ${status}`,
      fields,
    );
    return false;
  } catch (reason) {
    log[level](
      `Cannot ask the app whether it takes events of binding ${input.name}: ${messageOf(reason)}`,
      fields,
    );
    return undefined;
  }
}

interface Intake extends RunningInputs {
  start(channel: AppChannel, input: LoadedInput): Promise<void>;
  /** Asks the app again until it answers, and then starts what it wants. */
  later(channel: AppChannel, input: LoadedInput): void;
}
function createIntake(app: App, deps: InputDeps, options: CallOptions): Intake {
  const { clock, log, inbound } = deps;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  /** Fires with the stop, before what is in flight has ended. */
  const asking = new AbortController();
  const inFlight = new Set<Promise<unknown>>();
  let closed = false;

  const start = async (channel: AppChannel, input: LoadedInput): Promise<void> => {
    const fields = { app_id: app.appId, component: input.name };
    const guard = inbound?.(input.name) ?? unguarded;
    const deliver = async (
      event: BindingData,
      call: CallOptions,
    ): Promise<BindingData | undefined> => {
      if (closed) throw new Error("input binding is closed");
      const both = { signal: AbortSignal.any([call.signal, signal]) };
      const posting = guard((limited) => postEvent(app, channel, input, event, limited), both);
      inFlight.add(posting);
      try {
        return await posting;
      } catch (reason) {
        log.warn(`Cannot deliver an event of binding ${input.name}: ${messageOf(reason)}`, fields);
        throw reason;
      } finally {
        inFlight.delete(posting);
      }
    };
    const listening = input.port.listen(deliver, { signal }).catch((reason: unknown) => {
      if (!signal.aborted)
        log.error(`Cannot read from binding ${input.name}: ${messageOf(reason)}`, fields);
    });
    await endsWithin(clock, listenMs, listening);
  };
  function askAgain(channel: AppChannel, input: LoadedInput): Promise<void> {
    const call = { signal: AbortSignal.any([signal, asking.signal]) };
    const attempt = async (): Promise<boolean> => {
      const wanted = await isWanted(app, channel, input, deps, call, "debug");
      if (wanted && !closed) await start(channel, input);
      return wanted !== undefined;
    };
    return repeat(attempt, againPauses, clock, call.signal);
  }
  return {
    start,
    later: (channel, input) => void askAgain(channel, input),
    stop: async () => {
      closed = true;
      asking.abort(new Error("Input bindings are stopped"));
      const isBusy = inFlight.size > 0;
      await endsWithin(clock, drainMs, Promise.allSettled(inFlight));
      // Dapr: a broker that hears the last answer hands out the next event, which gets an error, not silence.
      if (isBusy && inFlight.size === 0) await clock.sleep(refusingMs, options).catch(() => {});
      ended.abort(new Error("Input bindings are stopped"));
    },
  };
}
