import type { AppRef, Log } from "#core/ports/platform.ts";
import type { Configuration } from "#core/resources/configuration.ts";
import { type AppMetrics, createAppMetrics } from "#core/telemetry/app-metrics.ts";
import { shareCpu } from "#core/telemetry/cost.ts";
import { exposition } from "#core/telemetry/exposition.ts";
import { clock } from "#targets/node/clock.ts";
import type { PodRecord } from "../messages.ts";

/** The metrics of a group's apps; replicas of one app share theirs. */
export interface GroupMetrics {
  /** `undefined` where the app wants none. */
  open(
    pod: Pick<PodRecord, "namespace" | "settings">,
    configuration: Pick<Configuration, "metrics">,
  ): { readonly metrics: AppMetrics; close(): void } | undefined;
  /** As Prometheus reads them, each series with the namespace of its app. */
  text(): string;
}

interface Shared {
  readonly metrics: AppMetrics;
  users: number;
}

export function createGroupMetrics(log: Log): GroupMetrics {
  const apps = new Map<string, Shared>();
  let cpu = process.cpuUsage();
  return {
    open: ({ namespace, settings }, { metrics: wanted }) => {
      if (!settings.enableMetrics || !wanted.enabled) return undefined;
      const app: AppRef = { namespace, appId: settings.appId };
      const key = JSON.stringify([namespace, settings.appId]);
      const told = new Set<string>();
      const shared = apps.get(key) ?? {
        metrics: createAppMetrics({
          ...app,
          settings: wanted,
          clock,
          mistake: (text) => {
            if (!told.has(text)) log.error(text, { app_id: settings.appId, namespace });
            told.add(text);
          },
        }),
        users: 0,
      };
      apps.set(key, shared);
      shared.users++;
      return {
        metrics: shared.metrics,
        close: () => {
          if (--shared.users === 0) apps.delete(key);
        },
      };
    },
    text: () => {
      const all = [...apps.values()].map(({ metrics }) => metrics);
      const used = process.cpuUsage(cpu);
      cpu = process.cpuUsage();
      shareCpu(all, (used.user + used.system) / 1e6);
      for (const { cost } of all) cost.show();
      return [...exposition(all, { namespaces: true })].join("");
    },
  };
}
