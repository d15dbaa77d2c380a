import type { OtelSection, TracingSection } from "#core/resources/tracing.ts";
import type { BatchLimits } from "./batcher.ts";

export type ResourceAttributes = Readonly<Record<string, string>>;
export interface OtlpHttpSettings {
  readonly kind: "otlp-http";
  readonly url: string;
  readonly encoding: "protobuf" | "json";
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}
export interface OtlpGrpcSettings {
  readonly kind: "otlp-grpc";
  /** `host:port`. */
  readonly address: string;
  readonly isSecure: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}
export type ExporterSettings =
  | { readonly kind: "stdout" }
  | { readonly kind: "zipkin"; readonly url: string }
  | OtlpHttpSettings
  | OtlpGrpcSettings;

/** What an app's Configuration and the environment say together: data only, so that two can be compared. */
export interface TracingSettings {
  /** Share of new traces that are sampled, 0 to 1; `undefined`: no spans are made, and contexts are passed on. */
  readonly samplingRate: number | undefined;
  readonly exporters: readonly ExporterSettings[];
  readonly resource: ResourceAttributes;
  readonly limits: BatchLimits;
}

export type Env = Readonly<Record<string, string | undefined>>;

export function tracingSettings(section: TracingSection, env: Env, appId: string): TracingSettings {
  const fromEnv = section.otel.endpointAddress === "" ? endpointOf(env) : undefined;
  const exporters: ExporterSettings[] = [];
  if (section.stdout) exporters.push({ kind: "stdout" });
  if (section.zipkin !== undefined) exporters.push({ kind: "zipkin", url: section.zipkin });
  const otlp = fromEnv ? otlpOfEnv(fromEnv, section.otel, env) : otlpOfFile(section.otel, env);
  if (otlp) exporters.push(otlp);
  return {
    samplingRate: rateOf(section, exporters.length > 0, fromEnv !== undefined),
    exporters,
    resource: resourceOf(env, appId),
    limits: limitsOf(env),
  };
}

function rateOf(
  { samplingRate, isRateGiven }: TracingSection,
  isExported: boolean,
  isOfEnv: boolean,
): number | undefined {
  if (isRateGiven) return samplingRate;
  if (!isExported) return undefined;
  // Who names a receiver by the environment alone wants to see something.
  return isOfEnv ? 1 : samplingRate;
}

const defaultTimeoutMs = 10_000;
const tracesPath = "/v1/traces";

interface Common {
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}
/** Of a receiver that the environment names. Dapr: its headers are added to the file's, and its timeout wins. */
function commonOfEnv(otel: OtelSection, env: Env): Common {
  return {
    headers: { ...otel.headers, ...pairsOf(signal(env, "HEADERS") ?? "") },
    timeoutMs: positive(signal(env, "TIMEOUT")) ?? otel.timeoutMs ?? defaultTimeoutMs,
  };
}
/**
 * Of a receiver that the file names: the file's headers, or those of the environment where the file has none.
 * What belongs to a receiver of the environment's own, a credential most of all, does not go to this one.
 */
function commonOfFile(otel: OtelSection, env: Env): Common {
  const isOthers = Object.keys(otel.headers).length > 0 || endpointOf(env) !== undefined;
  return {
    headers: isOthers ? otel.headers : pairsOf(signal(env, "HEADERS") ?? ""),
    timeoutMs: otel.timeoutMs ?? positive(signal(env, "TIMEOUT")) ?? defaultTimeoutMs,
  };
}

function otlpOfFile(otel: OtelSection, env: Env): ExporterSettings | undefined {
  const { endpointAddress, protocol, isSecure } = otel;
  if (endpointAddress === "" || protocol === undefined) return undefined;
  const { scheme, authority, path } = partsOf(endpointAddress);
  const secure = scheme === undefined ? isSecure : scheme === "https";
  const common = commonOfFile(otel, env);
  return protocol === "grpc"
    ? { kind: "otlp-grpc", address: authority, isSecure: secure, ...common }
    : { kind: "otlp-http", url: urlOf(secure, authority, path), encoding: "protobuf", ...common };
}

interface EnvEndpoint {
  readonly text: string;
  /** True: of all signals, so that the traces' path comes after it. */
  readonly isBase: boolean;
}
function endpointOf(env: Env): EnvEndpoint | undefined {
  const own = env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
  if (own) return { text: own, isBase: false };
  const base = env["OTEL_EXPORTER_OTLP_ENDPOINT"];
  return base ? { text: base, isBase: true } : undefined;
}

function otlpOfEnv(endpoint: EnvEndpoint, otel: OtelSection, env: Env): ExporterSettings {
  const { scheme, authority, path } = partsOf(endpoint.text);
  const isPlain = (signal(env, "INSECURE") ?? "").toLowerCase() === "true" || scheme === "http";
  const protocol = signal(env, "PROTOCOL") ?? "";
  const common = commonOfEnv(otel, env);
  if (!protocol.startsWith("http"))
    return { kind: "otlp-grpc", address: authority, isSecure: !isPlain, ...common };
  const whole = endpoint.isBase ? `${path}${tracesPath}` : path;
  const encoding = protocol === "http/json" ? "json" : "protobuf";
  return { kind: "otlp-http", url: urlOf(!isPlain, authority, whole), encoding, ...common };
}

/** `OTEL_EXPORTER_OTLP_TRACES_<name>`, else `OTEL_EXPORTER_OTLP_<name>`. */
function signal(env: Env, name: string): string | undefined {
  return env[`OTEL_EXPORTER_OTLP_TRACES_${name}`] || env[`OTEL_EXPORTER_OTLP_${name}`] || undefined;
}

/** An address with or without scheme and path; the path comes without a slash at its end. */
function partsOf(address: string): {
  readonly scheme: "http" | "https" | undefined;
  readonly authority: string;
  readonly path: string;
} {
  const match = /^(?:(https?):\/\/)?([^/?#]*)([^?#]*)/i.exec(address.trim());
  const scheme = match?.[1]?.toLowerCase() as "http" | "https" | undefined;
  return { scheme, authority: match?.[2] ?? "", path: (match?.[3] ?? "").replace(/\/+$/, "") };
}
function urlOf(isSecure: boolean, authority: string, path: string): string {
  return `${isSecure ? "https" : "http"}://${authority}${path === "" ? tracesPath : path}`;
}

function resourceOf(env: Env, appId: string): ResourceAttributes {
  const own = env["OTEL_SERVICE_NAME"];
  return {
    "service.name": appId,
    ...pairsOf(env["OTEL_RESOURCE_ATTRIBUTES"] ?? ""),
    ...(own ? { "service.name": own } : {}),
  };
}

/** `name=value,name=value`, both percent-encoded; what has no "=" is left out. */
function pairsOf(text: string): Record<string, string> {
  const pairs = text.split(",").flatMap((part) => {
    const equals = part.indexOf("=");
    const name = equals === -1 ? "" : decoded(part.slice(0, equals));
    return name === "" ? [] : [[name, decoded(part.slice(equals + 1))] as const];
  });
  return Object.fromEntries(pairs);
}
function decoded(text: string): string {
  const trimmed = text.trim();
  try {
    return decodeURIComponent(trimmed);
  } catch {
    return trimmed;
  }
}

/** OpenTelemetry's defaults and names. */
function limitsOf(env: Env): BatchLimits {
  const maxQueue = positive(env["OTEL_BSP_MAX_QUEUE_SIZE"]) ?? 2048;
  const maxBatch = positive(env["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"]) ?? 512;
  return {
    delayMs: positive(env["OTEL_BSP_SCHEDULE_DELAY"]) ?? 5000,
    maxQueue,
    maxBatch: Math.min(maxBatch, maxQueue),
  };
}
function positive(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,9}\s*$/.test(text)) return undefined;
  const value = Number(text);
  return value > 0 ? value : undefined;
}
