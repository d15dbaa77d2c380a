import { readFileSync } from "node:fs";

/** Resident memory of a process in bytes; 0 where the system does not tell. */
export function residentBytes(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return found ? Number(found[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}
