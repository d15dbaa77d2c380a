import type { Family } from "./family.ts";
import type { Series } from "./series.ts";

/** `api`: the app calls the API. `app`: the runtime calls the app. */
export type Direction = "api" | "app";

/** What one direction of an app's calls costs. */
class Traffic {
  calls = 0;
  requestBytes = 0;
  responseBytes = 0;
  inFlight = 0;
  /** Of a call that began: its request body, as far as the length is known. */
  begin(bytes: number): void {
    this.calls++;
    this.inFlight++;
    this.requestBytes += bytes;
  }
  end(bytes: number): void {
    this.inFlight--;
    this.responseBytes += bytes;
  }
}

/** A call weighs as much as this many bytes that pass. */
const bytesPerCall = 16_384;

/** What an app costs the process. Kept in plain fields, and brought into the metrics when they are read. */
export class AppCost {
  readonly api: Traffic = new Traffic();
  readonly app: Traffic = new Traffic();
  readonly #family: (name: string) => Family;
  /** What has been shown so far: counters take only what is new. */
  readonly #shown = new Map<Series, number>();
  #workShared = 0;

  constructor(family: (name: string) => Family) {
    this.#family = family;
  }
  /** Calls and bytes since this was last asked, in calls. */
  takeWork(): number {
    const work = workOf(this.api) + workOf(this.app);
    const since = work - this.#workShared;
    this.#workShared = work;
    return since;
  }
  addCpu(seconds: number): void {
    this.#family("outrigger_app_cpu_seconds_total").of([]).put(seconds);
  }
  /** Brings the metrics up to now. */
  show(): void {
    for (const direction of ["api", "app"] as const) {
      const { calls, requestBytes, responseBytes, inFlight } = this[direction];
      this.#count("outrigger_app_calls_total", direction, calls);
      this.#count("outrigger_app_request_bytes_total", direction, requestBytes);
      this.#count("outrigger_app_response_bytes_total", direction, responseBytes);
      this.#family("outrigger_app_calls_in_flight").of([direction]).put(inFlight);
    }
  }
  #count(name: string, direction: Direction, total: number): void {
    const series = this.#family(name).of([direction]);
    series.put(total - (this.#shown.get(series) ?? 0));
    this.#shown.set(series, total);
  }
}

function workOf({ calls, requestBytes, responseBytes }: Traffic): number {
  return calls + (requestBytes + responseBytes) / bytesPerCall;
}

/**
 * Puts the process' CPU time since the last time down to its apps, in proportion to their calls and bytes: no
 * platform tells whose a microsecond was. Time in which no app did anything is put down to none.
 */
export function shareCpu(apps: Iterable<{ readonly cost: AppCost }>, seconds: number): void {
  const shares = [...apps].map(({ cost }) => ({ cost, work: cost.takeWork() }));
  const all = shares.reduce((sum, { work }) => sum + work, 0);
  for (const { cost, work } of shares) cost.addCpu(all > 0 ? (seconds * work) / all : 0);
}
