import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Of each half of the young generation; V8 would let it grow to 16 MiB and more. */
const halfBytes = 8 * 1024 * 1024;
/** By how much the old generation may grow between two collections; V8 sizes that by the machine's memory, up to 300. */
const growingPercent = 65;

/**
 * Keeps V8 from sizing its heap by the machine's memory: under load that is about a fifth of the resident memory
 * (docs/performance.md). Flags on the command line would do the same, but a process that is already running would
 * have to be started again for them, at about a sixth of the CPU time of a start.
 */
export function boundHeap(): void {
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
  // V8 doubles it, after a collection, until it is told not to.
  const observer = new PerformanceObserver(() => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space");
    if (young && young.space_size < 2 * halfBytes) return;
    setFlagsFromString("--semi-space-growth-factor=1");
    observer.disconnect();
  });
  observer.observe({ entryTypes: ["gc"] });
}
