import type { ApiLists } from "#core/api-access/rules.ts";
import type { SecretScope } from "#core/secrets/scope.ts";
import type { Metadata } from "#core/ports/component.ts";
import { isRecord } from "#core/util/json.ts";
import { readApiLists } from "./api-lists.ts";
import { type Fault, Fields } from "./fields.ts";
import { type PipelineHandler, readPipeline } from "./pipeline.ts";
import type { ResourceHead } from "./resource-head.ts";

/** A Configuration as it was written; it means something only once all of them are merged. */
export interface ConfigurationDocument extends ResourceHead {
  readonly kind: "Configuration";
  readonly spec: Readonly<Record<string, unknown>>;
}

/** What all Configurations together say. Sections that this version does not use are read, and have no effect. */
export interface Configuration {
  readonly tracing: {
    /** 0 turns tracing off, 1 samples every new trace. */
    readonly samplingRate: number;
  };
  readonly secrets: {
    readonly scopes: ReadonlyArray<SecretScope & { readonly storeName: string }>;
  };
  readonly components: {
    /** Refused types, as `type` or `type/version`. */
    readonly deny: readonly string[];
  };
  readonly features: ReadonlyMap<string, boolean>;
  readonly api: ApiLists;
  /** Before the app's API, outermost first. */
  readonly httpPipeline: readonly PipelineHandler[];
  /** Before the app itself, outermost first. */
  readonly appHttpPipeline: readonly PipelineHandler[];
  /** How apps of other processes are found; absent means the target's own way. */
  readonly nameResolution: NameResolution | undefined;
  readonly wasm: {
    /** True: no WebAssembly component gets a real clock or real random numbers. */
    readonly strictSandbox: boolean;
  };
}

export interface NameResolution {
  /** `mdns`, `sqlite`, `kubernetes`… */
  readonly component: string;
  readonly version: string;
  /** As the document gives them; what is not text is JSON. */
  readonly options: Metadata;
}

/** Sections of `spec` that exist; anything else is a typing error. */
const sections = [
  "accessControl",
  "api",
  "appHttpPipeline",
  "components",
  "features",
  "httpPipeline",
  "logging",
  "metric",
  "metrics",
  "mtls",
  "nameResolution",
  "secrets",
  "tracing",
  "wasm",
  "workflow",
] as const;

/** Sections that keep someone out. Passing over them would open what the document closes. */
const guards = ["accessControl"] as const;

export function readConfiguration(head: ResourceHead, fields: Fields): ConfigurationDocument {
  const spec = fields.fields("spec");
  for (const section of sections) spec.has(section);
  for (const guard of guards)
    if (spec.has(guard)) spec.error(guard, "cannot be used: this version does not enforce it");
  spec.done();
  const raw = fields.raw("spec");
  const document: ConfigurationDocument = {
    ...head,
    kind: "Configuration",
    spec: isRecord(raw) ? raw : {},
  };
  // Read now, so that a fault shows with its document; the value is made again after merging.
  refuseRepeatedStores(spec, interpret(spec));
  return document;
}

/** Later ones over earlier: scalars and lists replace, mappings merge. Without any, Dapr's defaults. */
export function mergeConfigurations(documents: readonly ConfigurationDocument[]): Configuration {
  const faults: Fault[] = [];
  const merged = documents.reduce<Readonly<Record<string, unknown>>>(
    (under, { spec }) => merge(under, spec),
    {},
  );
  return interpret(new Fields(merged, "spec", faults));
}

function interpret(spec: Fields): Configuration {
  const deny = spec.fields("components").texts("deny");
  return {
    tracing: { samplingRate: samplingRate(spec.fields("tracing").text("samplingRate")) },
    secrets: { scopes: spec.fields("secrets").list("scopes").map(readScope) },
    components: { deny },
    features: new Map(
      spec
        .list("features")
        .map((feature) => [feature.required("name"), feature.boolean("enabled") ?? false]),
    ),
    api: readApiLists(spec.fields("api")),
    httpPipeline: readPipeline(spec.fields("httpPipeline")),
    appHttpPipeline: readPipeline(spec.fields("appHttpPipeline")),
    nameResolution: readNameResolution(spec.fields("nameResolution")),
    wasm: { strictSandbox: spec.fields("wasm").boolean("strictSandbox") ?? false },
  };
}

function readNameResolution(fields: Fields): NameResolution | undefined {
  const component = fields.text("component") ?? "";
  const raw = fields.raw("configuration");
  const version = fields.text("version") ?? "v1";
  if (component === "") return undefined;
  const options: Record<string, string> = {};
  if (isRecord(raw))
    for (const name of Object.keys(raw)) {
      const value = raw[name];
      options[name.toLowerCase()] = typeof value === "string" ? value : JSON.stringify(value);
    }
  return { component, version, options };
}

/** Dapr does not start with two scopes for one store: which of them counts would be a guess. */
function refuseRepeatedStores(spec: Fields, { secrets }: Configuration): void {
  const names = secrets.scopes.map(({ storeName }) => storeName);
  names.forEach((name, i) => {
    if (name !== "" && names.indexOf(name) < i)
      spec.error(`secrets.scopes[${i}].storeName`, `repeats "${name}"; give each store one scope`);
  });
}

function readScope(scope: Fields): SecretScope & { readonly storeName: string } {
  const read = {
    storeName: scope.required("storeName"),
    defaultAccess: scope.word("defaultAccess", ["allow", "deny"]) ?? "allow",
    allowedSecrets: scope.texts("allowedSecrets"),
    deniedSecrets: scope.texts("deniedSecrets"),
  };
  scope.done();
  return read;
}

const defaultSamplingRate = 1e-4;
/** Dapr: a missing or unreadable rate is one in ten thousand. */
function samplingRate(text: string | undefined): number {
  const rate = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isNaN(rate) ? defaultSamplingRate : Math.min(1, Math.max(0, rate));
}

function merge(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...under };
  for (const [name, value] of Object.entries(over)) {
    const before = out[name];
    out[name] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
  }
  return out;
}

/** Puts the environment into a text, `$NAME` and `${NAME}`, as Dapr does before it parses; an unset name becomes empty. */
export function expandEnv(text: string, env: Readonly<Record<string, string | undefined>>): string {
  // Go's rules: `$1` and `$$` are names of one character, and `${` without an end is dropped.
  return text.replace(
    /\$(?:\{(?:([^}]*)\})?|([*#$@!?\-0-9]|\w+))/g,
    (_, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? "";
      return Object.hasOwn(env, name) ? (env[name] ?? "") : "";
    },
  );
}
