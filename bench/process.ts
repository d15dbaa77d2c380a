import { readFileSync } from "node:fs";

/** The clock tick of /proc/<pid>/stat, which Linux fixes at 100 a second. */
const microsPerTick = 10_000;

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
  let bytes = 0;
  for (const pid of pids)
    bytes +=
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  return bytes;
}
