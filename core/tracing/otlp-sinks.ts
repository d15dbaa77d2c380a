import { messageOf } from "#core/errors/component-error.ts";
import type { Platform } from "#core/ports/platform.ts";
import type { OtlpGrpcChannel } from "#core/ports/otlp-grpc.ts";
import { ExportError, type SpanSink } from "./span-sink.ts";
import { postSpans, shownUrl } from "./post-spans.ts";
import type { OtlpGrpcSettings, OtlpHttpSettings, ResourceAttributes } from "./settings.ts";

/** OTLP over HTTP. https://opentelemetry.io/docs/specs/otlp/#otlphttp */
export function otlpHttpSink(
  { url, headers, timeoutMs, encoding }: OtlpHttpSettings,
  resource: ResourceAttributes,
  fetch: Platform["fetch"],
): SpanSink {
  const type = encoding === "json" ? "application/json" : "application/x-protobuf";
  return {
    where: shownUrl(url),
    timeoutMs,
    send: async (spans, options) => {
      const { encodeSpans, refusedSpans } = await import("./otlp-encode.ts");
      const body = encodeSpans(spans, resource, encoding);
      const request = { url, headers: { ...headers, "content-type": type }, body };
      const answer = await postSpans(fetch, request, options);
      const refused = reading(() => refusedSpans(answer, encoding));
      if (refused !== undefined) throw new ExportError(refused);
    },
  };
}

/** OTLP over gRPC, where the target can speak it. */
export function otlpGrpcSink(
  settings: OtlpGrpcSettings,
  resource: ResourceAttributes,
  open: NonNullable<Platform["openOtlpGrpc"]>,
): SpanSink {
  let opening: Promise<OtlpGrpcChannel> | undefined;
  return {
    where: shownUrl(settings.address),
    timeoutMs: settings.timeoutMs,
    send: async (spans, options) => {
      const { encodeSpans, refusedSpans } = await import("./otlp-encode.ts");
      const channel = await (opening ??= open(settings));
      const answer = await channel.export(encodeSpans(spans, resource, "protobuf"), options);
      const refused = reading(() => refusedSpans(answer, "protobuf"));
      if (refused !== undefined) throw new ExportError(refused);
    },
    close: () => {
      opening?.then(
        (channel) => channel.close(),
        () => {},
      );
    },
  };
}

/** The spans were taken; an answer that nobody can read must not make them come again. */
function reading(refused: () => string | undefined): string | undefined {
  try {
    return refused();
  } catch (reason) {
    return `the answer cannot be read: ${messageOf(reason)}`;
  }
}
