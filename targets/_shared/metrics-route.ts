import { cleanPath, splitTarget } from "#core/util/path.ts";
import { targetOf } from "#core/wire/http/input.ts";
import { tokenFault } from "#core/gate/token.ts";
import { respond } from "#core/wire/http/response.ts";
import { refusalOverHttp } from "#core/wire/http/refusals.ts";
import type { App } from "#core/kernel/app.ts";
import type { MetricSettings } from "#core/resources/metrics.ts";
import type { Platform } from "#core/ports/platform.ts";
import { type AppMetrics, createAppMetrics } from "#core/telemetry/app-metrics.ts";
import { exposition, expositionType } from "#core/telemetry/exposition.ts";
import type { Settings } from "./settings.ts";

const path = "/outrigger/metrics";

/** The metrics of this one instance; `undefined` unless `OUTRIGGER_METRICS` and the Configuration want them. */
export function instanceMetrics(
  { appId, namespace, metrics: wanted }: Settings,
  settings: MetricSettings,
  { clock, log }: Pick<Platform, "clock" | "log">,
): AppMetrics | undefined {
  if (!wanted || !settings.enabled) return undefined;
  const mistake = (text: string): void => log.error(text);
  return createAppMetrics({ appId, namespace, settings, clock, mistake });
}

/** `GET /outrigger/metrics`, behind the API token; `undefined` for every other request. */
export function answerMetrics(request: Request, app: App): Promise<Response> | undefined {
  const { metrics } = app.telemetry;
  if (!metrics || request.method !== "GET") return undefined;
  const target = targetOf(request.url);
  return cleanPath(splitTarget(target).path) === path ? answer(metrics, request, app) : undefined;
}

async function answer(metrics: AppMetrics, request: Request, app: App): Promise<Response> {
  const header = (name: string): string | undefined => request.headers.get(name) ?? undefined;
  const fault = await tokenFault({ app, header });
  if (fault !== undefined) return respond(refusalOverHttp({ why: "token", fault }), undefined);
  metrics.cost.show();
  return new Response([...exposition([metrics])].join(""), {
    headers: { "content-type": expositionType },
  });
}
