import { type Measured, round3 } from "./measure.ts";

/** One row of the JSON file. */
export interface Result extends Required<Measured> {
  readonly name: string;
  /** The same measured at `--peer`. */
  readonly peer?: Measured;
  /** Ours by the peer's. */
  readonly ratio?: Ratio;
  /** The same of the least that a Node server or proxy can cost (floor.ts), in turns with ours. */
  readonly floor?: Measured;
  /** Ours by the floor's. */
  readonly overFloor?: Ratio;
}
export interface Ratio {
  readonly requestsPerSecond: number;
  readonly cpuMicrosPerRequest?: number;
}

export function compare(
  name: string,
  ours: Measured,
  peer: Measured | undefined,
  floor?: Measured,
): Result {
  const { cpuMicrosPerRequest, rssBytes } = ours;
  if (cpuMicrosPerRequest === undefined || rssBytes === undefined)
    throw new Error(`${name}: the runtime's own process was not measured`);
  const ratioTo = (other: Measured): Ratio => ({
    requestsPerSecond: round3(ours.requestsPerSecond / other.requestsPerSecond),
    // Whoever used no CPU at all was not the one that answered.
    ...(other.cpuMicrosPerRequest
      ? { cpuMicrosPerRequest: round3(cpuMicrosPerRequest / other.cpuMicrosPerRequest) }
      : {}),
  });
  return {
    name,
    ...ours,
    cpuMicrosPerRequest,
    rssBytes,
    ...(peer ? { peer, ratio: ratioTo(peer) } : {}),
    ...(floor ? { floor, overFloor: ratioTo(floor) } : {}),
  };
}
