import { expositionType } from "#core/telemetry/exposition.ts";
import type { WaitMetrics } from "../wait-metrics.ts";
import type { Group } from "./group.ts";
import { mergeExpositions } from "./merge-metrics.ts";
import { residentBytes } from "./resident.ts";
import { serveAside, type SideServer } from "./side-server.ts";

const readMs = 10_000;
const keepAliveMs = 65_000;

/** The metrics of all groups' apps, and what each group's process takes. */
export function serveNodeMetrics(options: {
  readonly port: number;
  readonly address: string;
  readonly groups: () => readonly Group[];
  readonly read: () => Promise<readonly string[]>;
  readonly waitMetrics: Pick<WaitMetrics, "text">;
}): Promise<SideServer> {
  let reading: Promise<readonly string[]> | undefined;
  // Who asks while the groups are being asked gets the same answer.
  const read = (): Promise<readonly string[]> =>
    (reading ??= options.read().finally(() => {
      reading = undefined;
    }));
  return serveAside({ ...options, readMs, keepAliveMs }, (_request, response) => {
    response.setHeader("content-type", expositionType);
    read().then(
      (texts) =>
        response.end(
          mergeExpositions([...texts, ownText(options.groups()), options.waitMetrics.text()]),
        ),
      () => response.destroy(),
    );
  });
}

function ownText(groups: readonly Group[]): string {
  const gauge = (name: string, help: string, lines: readonly string[]): string =>
    lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("\n")}\n`;
  const each = (name: string, value: (group: Group) => number): readonly string[] =>
    groups.map((group) => `${name}{group="${group.name}"} ${value(group)}`);
  return [
    gauge(
      "outrigger_group_apps",
      "Pods whose apps a group hosts.",
      each("outrigger_group_apps", (group) => group.pods.size),
    ),
    gauge(
      "outrigger_group_resident_memory_bytes",
      "Resident memory of the process of a group.",
      each("outrigger_group_resident_memory_bytes", ({ pid }) => residentBytes(pid)),
    ),
    gauge(
      "outrigger_group_restarts",
      "How often the process of a group has had to be restarted.",
      each("outrigger_group_restarts", ({ restarts }) => restarts),
    ),
    gauge("outrigger_node_resident_memory_bytes", "Resident memory of the supervisor.", [
      `outrigger_node_resident_memory_bytes ${process.memoryUsage.rss()}`,
    ]),
  ].join("");
}
