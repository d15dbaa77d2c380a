import type { AppRef, Platform } from "#core/ports/platform.ts";
import type { SpanSink } from "./span-sink.ts";
import type { TracingSection } from "#core/resources/tracing.ts";
import { createBatcher } from "./batcher.ts";
import { otlpGrpcSink, otlpHttpSink } from "./otlp-sinks.ts";
import { type ExporterSettings, type TracingSettings, tracingSettings } from "./settings.ts";
import { stdoutSink } from "./stdout-sink.ts";
import { createTracer, type Tracer } from "./tracer.ts";
import { zipkinSink } from "./zipkin-sink.ts";

/** What of an app's Configuration is in force. */
export interface AppTracing {
  /** As of `App`. */
  readonly samplingRate: number | undefined;
  /** Absent: trace contexts are passed on, and nothing is exported. */
  readonly tracer: Tracer | undefined;
}
/** Keeps an app's tracer from one Configuration to the next. */
export interface TracingOwner {
  of(section: TracingSection): AppTracing;
  close(): void;
}

export function ownTracing({ appId }: AppRef, platform: Platform): TracingOwner {
  let current: { readonly key: string; readonly tracing: AppTracing } | undefined;
  return {
    of: (section) => {
      const settings = tracingSettings(section, platform.env, appId);
      const key = JSON.stringify(settings);
      if (current?.key === key) return current.tracing;
      const before = current?.tracing.tracer;
      current = { key, tracing: open(settings, appId, platform) };
      if (before) platform.background(before.flush().then(() => before.close()));
      return current.tracing;
    },
    close: () => current?.tracing.tracer?.close(),
  };
}

function open(settings: TracingSettings, appId: string, platform: Platform): AppTracing {
  const { samplingRate, limits } = settings;
  if (samplingRate === 0) return { samplingRate, tracer: undefined };
  const batchers = settings.exporters.flatMap((exporter) => {
    const sink = sinkOf(exporter, settings, appId, platform);
    return sink ? [createBatcher(sink, { platform, appId, limits })] : [];
  });
  const tracer = batchers.length === 0 ? undefined : createTracer(batchers, platform.clock);
  return { samplingRate, tracer };
}

function sinkOf(
  exporter: ExporterSettings,
  { resource }: TracingSettings,
  appId: string,
  { fetch, log, openOtlpGrpc }: Platform,
): SpanSink | undefined {
  switch (exporter.kind) {
    case "stdout":
      return stdoutSink(log, appId);
    case "zipkin":
      return zipkinSink(exporter.url, resource, fetch);
    case "otlp-http":
      return otlpHttpSink(exporter, resource, fetch);
    case "otlp-grpc":
      if (openOtlpGrpc) return otlpGrpcSink(exporter, resource, openOtlpGrpc);
      log.error(
        "Not exporting spans: this platform has no OTLP over gRPC; set the protocol to http",
        {
          app_id: appId,
        },
      );
      return undefined;
  }
}
