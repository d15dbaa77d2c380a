import type { CallOptions } from "#core/ports/component.ts";
import type { AppChannel, Clock } from "#core/ports/platform.ts";
import { discard } from "#core/blocks/_shared/app-answer.ts";
import { within } from "#core/util/time-limit.ts";

export interface HealthProbe {
  /** For HTTP apps; one that speaks gRPC has an rpc for it. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row until the app counts as unhealthy. */
  readonly threshold: number;
}

/** Whether an app is well. It counts as unhealthy until it has said otherwise once. */
export interface AppHealthCheck {
  readonly isHealthy: boolean;
  /** Resolves once the app is not well; at once while it is not. */
  readonly unhealthy: Promise<void>;
  /** Probes until the signal fires; `changed` is told of each turn, one at a time. */
  run(changed: (isHealthy: boolean) => Promise<void>, options: CallOptions): Promise<void>;
}

export function createAppHealthCheck(
  channel: AppChannel,
  probe: HealthProbe,
  clock: Clock,
): AppHealthCheck {
  let isHealthy = false;
  let failures = 0;
  let unwell = Promise.withResolvers<void>();
  unwell.resolve();

  async function ask(options: CallOptions): Promise<boolean> {
    try {
      return await within(clock, probe.timeoutMs, options, async (limited) => {
        // Dapr: no token, for an app that is asked by others, too.
        const response = await channel.send(
          { method: "GET", path: probe.path, headers: [], callback: { kind: "health" } },
          limited,
        );
        discard(response);
        return response.status >= 200 && response.status <= 299;
      });
    } catch {
      return false;
    }
  }
  return {
    get isHealthy() {
      return isHealthy;
    },
    get unhealthy() {
      return unwell.promise;
    },
    run: async (changed, options) => {
      while (!options.signal.aborted) {
        const before = isHealthy;
        if (await ask(options)) {
          failures = 0;
          isHealthy = true;
        } else if (++failures >= probe.threshold) isHealthy = false;
        if (isHealthy !== before) {
          if (isHealthy) unwell = Promise.withResolvers<void>();
          else unwell.resolve();
          if (!options.signal.aborted) await changed(isHealthy);
        }
        try {
          await clock.sleep(probe.intervalMs, options);
        } catch {
          return;
        }
      }
    },
  };
}

/** Calls an app only while it is well; Dapr's own word for the rest. */
export function whileHealthy(channel: AppChannel, health: AppHealthCheck): AppChannel {
  return {
    send: (request, options) =>
      health.isHealthy
        ? channel.send(request, options)
        : Promise.reject(new Error("app is not in a healthy state")),
  };
}
