import type { ApiLists } from "./api-lists.ts";
import type { SecretScope } from "./secret-scope.ts";
import type { Metadata } from "#core/ports/component.ts";
import { isRecord } from "#core/util/json.ts";
import { type BudgetSettings, readBudget } from "./budget.ts";
import { type AccessControlSpec, readAccessControl } from "./access-control.ts";
import { readApiLists } from "./api-lists.ts";
import { type ApiLoggingSettings, readApiLogging } from "./api-logging.ts";
import { type Fault, Fields } from "./fields.ts";
import { type MetricSettings, readMetrics } from "./metrics.ts";
import { type PipelineHandler, readPipeline } from "./pipeline.ts";
import type { ResourceHead } from "./resource-head.ts";
import { readTracing, type TracingSection } from "./tracing.ts";

/** A Configuration as it was written; it means something only once all of them are merged. */
export interface ConfigurationDocument extends ResourceHead {
  readonly kind: "Configuration";
  readonly spec: Readonly<Record<string, unknown>>;
  readonly budget: BudgetSettings;
}

/** What all Configurations together say. Sections that this version does not use are read, and have no effect. */
export interface Configuration {
  readonly tracing: TracingSection;
  readonly secrets: {
    readonly scopes: ReadonlyArray<SecretScope & { readonly storeName: string }>;
  };
  readonly components: {
    /** Refused types, as `type` or `type/version`. */
    readonly deny: readonly string[];
  };
  /** Dapr's defaults among them. */
  readonly features: ReadonlyMap<string, boolean>;
  /** From annotations of the documents. */
  readonly budget: BudgetSettings;
  readonly api: ApiLists;
  /** Who may call the app; absent: anybody. */
  readonly accessControl: AccessControlSpec | undefined;
  readonly apiLogging: ApiLoggingSettings;
  readonly metrics: MetricSettings;
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

export function readConfiguration(head: ResourceHead, fields: Fields): ConfigurationDocument {
  const spec = fields.fields("spec");
  for (const section of sections) spec.has(section);
  spec.done();
  const raw = fields.raw("spec");
  const document: ConfigurationDocument = {
    ...head,
    kind: "Configuration",
    spec: isRecord(raw) ? raw : {},
    budget: readBudget(annotationsOf(fields), (name, message) =>
      fields.fields("metadata").fields("annotations").error(name, message),
    ),
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
  const budget = documents.reduce<BudgetSettings>(
    (under, { budget: over }) => ({ ...under, ...over }),
    {},
  );
  return { ...interpret(new Fields(merged, "spec", faults)), budget };
}

function annotationsOf(fields: Fields): Readonly<Record<string, unknown>> {
  const metadata = fields.raw("metadata");
  const annotations = isRecord(metadata)
    ? new Fields(metadata, "metadata", []).raw("annotations")
    : undefined;
  return isRecord(annotations) ? annotations : {};
}

function interpret(spec: Fields): Omit<Configuration, "budget"> {
  const deny = spec.fields("components").texts("deny");
  return {
    tracing: readTracing(spec.fields("tracing")),
    secrets: { scopes: spec.fields("secrets").list("scopes").map(readScope) },
    components: { deny },
    features: readFeatures(spec),
    api: readApiLists(spec.fields("api")),
    accessControl: readAccessControl(spec.fields("accessControl")),
    apiLogging: readApiLogging(spec.fields("logging")),
    metrics: readMetrics(spec),
    httpPipeline: readPipeline(spec.fields("httpPipeline")),
    appHttpPipeline: readPipeline(spec.fields("appHttpPipeline")),
    nameResolution: readNameResolution(spec.fields("nameResolution")),
    wasm: { strictSandbox: spec.fields("wasm").boolean("strictSandbox") ?? false },
  };
}

/** Dapr: a feature without a name is passed over, and of several entries the last counts. */
function readFeatures(spec: Fields): ReadonlyMap<string, boolean> {
  const features = new Map<string, boolean>();
  for (const feature of spec.list("features")) {
    const name = feature.text("name") ?? "";
    if (name !== "") features.set(name, feature.boolean("enabled") ?? false);
    feature.done();
  }
  for (const name of onByDefault) if (!features.has(name)) features.set(name, true);
  return features;
}
const onByDefault = ["HotReload", "WorkflowsRemoteActivityReminder"];

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
function refuseRepeatedStores(spec: Fields, { secrets }: Pick<Configuration, "secrets">): void {
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

function merge(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...under };
  // Names count in any case, so that another spelling takes the place of the first.
  const names = new Map(Object.keys(under).map((name) => [name.toLowerCase(), name]));
  for (const [name, value] of Object.entries(over)) {
    const former = names.get(name.toLowerCase()) ?? name;
    const before = out[former];
    out[former] = isRecord(before) && isRecord(value) ? merge(before, value) : value;
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
