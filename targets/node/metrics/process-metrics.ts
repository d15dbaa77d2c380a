import { readdir } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { plainText } from "#core/telemetry/exposition.ts";

let lastUtilization = performance.eventLoopUtilization();

/** What the whole process takes, all its apps together, in the names that Prometheus' own clients use. */
export async function processMetrics(): Promise<string> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const lagSeconds = await eventLoopLag();
  const utilization = performance.eventLoopUtilization();
  const busy = performance.eventLoopUtilization(utilization, lastUtilization).utilization;
  lastUtilization = utilization;
  const files = await openFiles();
  return [
    plainText("process_cpu_seconds_total", "counter", "CPU time", (user + system) / 1e6),
    plainText("process_resident_memory_bytes", "gauge", "Resident memory", rss),
    files === undefined
      ? ""
      : plainText("process_open_fds", "gauge", "Open files and sockets", files),
    plainText(
      "process_start_time_seconds",
      "gauge",
      "Start of the process, in seconds since 1970",
      performance.timeOrigin / 1000,
    ),
    plainText("nodejs_heap_size_used_bytes", "gauge", "Used part of V8's heap", heapUsed),
    plainText("nodejs_heap_size_total_bytes", "gauge", "V8's heap", heapTotal),
    plainText("nodejs_external_memory_bytes", "gauge", "Memory outside of V8's heap", external),
    plainText("nodejs_eventloop_lag_seconds", "gauge", "Time of one turn just now", lagSeconds),
    plainText(
      "nodejs_eventloop_utilization",
      "gauge",
      "Share of the time since the last look in which the event loop was busy",
      Number.isFinite(busy) ? busy : 0,
    ),
  ].join("");
}

/** How long whoever is next must wait: asked for now, so that no timer has to run all the time. */
async function eventLoopLag(): Promise<number> {
  const began = performance.now();
  await turn();
  return (performance.now() - began) / 1000;
}

/** `undefined` where the system does not tell. */
async function openFiles(): Promise<number | undefined> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return undefined;
  }
}
