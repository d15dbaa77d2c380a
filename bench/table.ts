import type { Measured } from "./measure.ts";
import type { Result } from "./results.ts";
import { type StreamResult, streamRow } from "./stream.ts";

const nothing = "-";

export function printHead(withPeer: boolean): void {
  const head = ["req/s", "p50 ms", "p99 ms", "CPU µs", "RSS", "of floor"].map((name) =>
    name.padStart(10),
  );
  console.log(
    `${"".padEnd(22)}${head.join("")}${withPeer ? "   peer req/s    CPU µs   ratio req/s   ratio CPU" : ""}`,
  );
}
export function printRow({ peer, ratio, overFloor, ...ours }: Result): void {
  const cells = [
    String(ours.requestsPerSecond),
    ours.p50Ms.toFixed(2),
    ours.p99Ms.toFixed(2),
    ours.cpuMicrosPerRequest.toFixed(1),
    mib(ours.rssBytes),
    overFloor?.cpuMicrosPerRequest?.toFixed(2) ?? nothing,
  ].map((cell) => cell.padStart(10));
  const compared = peer
    ? [
        String(peer.requestsPerSecond).padStart(13),
        (peer.cpuMicrosPerRequest?.toFixed(1) ?? nothing).padStart(10),
        (ratio?.requestsPerSecond.toFixed(2) ?? nothing).padStart(14),
        (ratio?.cpuMicrosPerRequest?.toFixed(2) ?? nothing).padStart(12),
      ]
    : [];
  console.log(ours.name.padEnd(22) + cells.join("") + compared.join(""));
}
export function printStream({ bytes, seconds, rssGrowthBytes }: StreamResult): void {
  console.log(
    `${streamRow.padEnd(22)}${mib(bytes)} in ${seconds.toFixed(2)} s (${mib(bytes / seconds)}/s); RSS grew by at most ${mib(rssGrowthBytes)}`,
  );
}
/** What the policies cost, by the same without them. */
export function printShare(name: string, [withAll, without]: readonly Measured[]): void {
  if (!withAll || !without) return;
  const cpu = (withAll.cpuMicrosPerRequest ?? 0) / (without.cpuMicrosPerRequest ?? Number.NaN);
  const time = without.requestsPerSecond / withAll.requestsPerSecond;
  console.log(
    `${name}: ${cpu.toFixed(2)} of the CPU and ${time.toFixed(2)} of the time that it takes without policies`,
  );
}
export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
