import { type Measured, round3 } from "./measure.ts";

/** One row of the JSON file. */
export interface Result extends Required<Measured> {
  readonly name: string;
  /** The same measured at `--peer`. */
  readonly peer?: Measured;
  /** Ours by the peer's. */
  readonly ratio?: { readonly requestsPerSecond: number; readonly cpuMicrosPerRequest?: number };
}

export function compare(name: string, ours: Measured, peer: Measured | undefined): Result {
  const { cpuMicrosPerRequest, rssBytes } = ours;
  if (cpuMicrosPerRequest === undefined || rssBytes === undefined)
    throw new Error(`${name}: the runtime's own process was not measured`);
  const result = { name, ...ours, cpuMicrosPerRequest, rssBytes };
  if (peer === undefined) return result;
  const theirCpu = peer.cpuMicrosPerRequest;
  return {
    ...result,
    peer,
    ratio: {
      requestsPerSecond: round3(ours.requestsPerSecond / peer.requestsPerSecond),
      // A peer that used no CPU at all was not the one that answered.
      ...(theirCpu ? { cpuMicrosPerRequest: round3(cpuMicrosPerRequest / theirCpu) } : {}),
    },
  };
}
