import { isRecord } from "#core/util/json.ts";
import { parseDuration } from "#core/util/duration.ts";
import type { Fields } from "./fields.ts";

/** `spec.tracing` of a Configuration. */
export interface TracingSection {
  /** 0 turns tracing off, 1 samples every new trace. */
  readonly samplingRate: number;
  /** False: the document says nothing, and `samplingRate` is the default. */
  readonly isRateGiven: boolean;
  readonly stdout: boolean;
  /** URL that spans are posted to, in Zipkin's JSON. */
  readonly zipkin: string | undefined;
  readonly otel: OtelSection;
}
export interface OtelSection {
  /** `host:port`; empty where the document names none. */
  readonly endpointAddress: string;
  readonly protocol: "http" | "grpc" | undefined;
  readonly isSecure: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number | undefined;
}

export function readTracing(fields: Fields): TracingSection {
  const rate = fields.text("samplingRate")?.trim() ?? "";
  const zipkin = fields.fields("zipkin");
  const otel = fields.fields("otel");
  const section = {
    samplingRate: samplingRate(rate),
    isRateGiven: rate !== "",
    stdout: fields.boolean("stdout") ?? false,
    zipkin: readUrl(zipkin, "endpointAddress"),
    otel: readOtel(otel),
  };
  zipkin.done();
  otel.done();
  fields.done();
  return section;
}

const defaultRate = 1e-4;
/** Dapr: a missing or unreadable rate is one in ten thousand. */
function samplingRate(text: string): number {
  const rate = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(rate) ? defaultRate : Math.min(1, Math.max(0, rate));
}

function readUrl(fields: Fields, name: string): string | undefined {
  const text = fields.text(name) ?? "";
  if (text === "") return undefined;
  if (/^https?:\/\/[^/]/.test(text) && URL.canParse(text)) return text;
  fields.error(name, `is "${text}"; make it a URL with http:// or https://`);
  return undefined;
}

function readOtel(otel: Fields): OtelSection {
  const endpointAddress = otel.text("endpointAddress") ?? "";
  const protocol = otel.word("protocol", ["http", "grpc"]);
  if (endpointAddress !== "" && protocol === undefined)
    otel.warn("protocol", "is missing: no spans are exported; make it http or grpc");
  return {
    endpointAddress,
    protocol,
    isSecure: otel.boolean("isSecure") ?? true,
    headers: readHeaders(otel),
    timeoutMs: readTimeout(otel),
  };
}

/** Names and values as mappings (Dapr's resource), or `name=value` texts (its files). What cannot be sent is left out, with a warning: calls matter more than spans. */
function readHeaders(otel: Fields): Readonly<Record<string, string>> {
  const raw = otel.raw("headers");
  const pairs: Array<readonly [string, string]> = [];
  if (Array.isArray(raw) && raw.every((entry) => !isRecord(entry)))
    otel.texts("headers").forEach((text, i) => {
      const equals = text.indexOf("=");
      if (equals > 0) pairs.push([text.slice(0, equals).trim(), text.slice(equals + 1).trim()]);
      else otel.warn(`headers[${i}]`, "has no name and is left out; write it as name=value");
    });
  else
    for (const entry of otel.list("headers")) {
      const name = entry.text("name") ?? "";
      const references = ["secretKeyRef", "envRef"].filter((reference) => entry.has(reference));
      for (const reference of references)
        entry.warn(
          reference,
          "cannot be used here, so the header is left out; give the value, as ${VARIABLE} if it is secret",
        );
      if (references.length === 0) pairs.push([name, entry.text("value") ?? ""]);
      entry.done();
    }
  const sendable = pairs.filter(([name, value]) => {
    const isHeader = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !/[^\t\u0020-\u007e]/.test(value);
    if (!isHeader)
      otel.warn("headers", `holds "${name}", which cannot be sent as a header and is left out`);
    return isHeader;
  });
  return Object.fromEntries(sendable);
}

function readTimeout(otel: Fields): number | undefined {
  const text = otel.text("timeout") ?? "";
  if (text === "") return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  otel.error("timeout", `is "${text}"; make it a duration like 10s`);
  return undefined;
}
