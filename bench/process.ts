import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** The clock tick of /proc/<pid>/stat, which Linux fixes at 100 a second. */
const microsPerTick = 10_000;

/** The processes and all that they have started. */
export function withChildren(pids: readonly number[]): readonly number[] {
  const all = new Set(pids);
  // A Set's iteration reaches what is added on the way.
  for (const pid of all)
    for (const thread of readdirSync(`/proc/${pid}/task`))
      for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
        if (child !== "") all.add(Number(child));
  return [...all];
}

/** CPU that the processes have used, user and system, in microseconds. */
export function cpuMicros(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    // The name in parentheses may hold spaces; the fields after it do not.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks * microsPerTick;
}

/** Memory of the processes that is in RAM, in bytes. */
export function rssBytes(pids: readonly number[]): number {
  return memoryBytes(pids, "VmRSS");
}
/** The most memory that the processes ever had in RAM, in bytes. */
export function peakRssBytes(pids: readonly number[]): number {
  return memoryBytes(pids, "VmHWM");
}

/** From here on `peakRssBytes` tells of what comes. */
export function forgetPeak(pids: readonly number[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

function memoryBytes(pids: readonly number[], field: "VmRSS" | "VmHWM"): number {
  let bytes = 0;
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1];
    if (kib === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
    bytes += Number(kib) * 1024;
  }
  return bytes;
}
