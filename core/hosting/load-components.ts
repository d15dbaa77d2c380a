import type { FailedComponent, Loaded } from "#core/kernel/app.ts";
import type { ComponentDocument } from "#core/resources/component.ts";
import { checkOptions } from "#core/resources/check-options.ts";
import { environmentOf, lowerNames, resolveValues, usesNamespace } from "#core/resources/values.ts";
import { messageOf } from "#core/errors/component-error.ts";
import type { Instances, Lease } from "./instances.ts";
import { within } from "#core/util/time-limit.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { ComponentSpec, Kind, Kinds, Manifest } from "#core/ports/manifest.ts";
import type { AppRef, Log, Platform } from "#core/ports/platform.ts";
import { type Failure, openingLog, twiceDefined, whereOf } from "./opening-log.ts";
import { chosenActorStore, secondActorStore, SecondActorStoreError } from "./one-actor-store.ts";
import { meaningOf, type ReloadFault } from "./reload/documents.ts";
import { capabilitiesOf, type Registry, wrongCategory } from "./registry.ts";
import type { StateCipher } from "#core/kernel/outbox.ts";
import { stateCipher } from "#core/blocks/state/encryption.ts";
import { loadedStore } from "#core/blocks/state/loaded-store.ts";
import { keyPrefix } from "#core/blocks/state/keys.ts";
import { noteLoad } from "./component-starts.ts";
import type { Meter } from "#core/telemetry/meter.ts";

/** An app's components. */
export interface Components {
  get<K extends Kind>(kind: K, name: string): Loaded<K> | undefined;
  has(kind: Kind): boolean;
  all<K extends Kind>(kind: K): ReadonlyArray<Loaded<K>>;
  readonly loaded: ReadonlyArray<{
    readonly name: string;
    readonly type: string;
    readonly version: string;
    readonly capabilities: readonly string[];
  }>;
  readonly failed: ReadonlyArray<FailedComponent & Failure>;
  /** What a document has become, by its name. */
  readonly entries: ReadonlyMap<string, ComponentEntry>;
  /** Changed documents that could not be put into force; what they were before still is. */
  readonly faults: readonly ReloadFault[];
  release(): Promise<void>;
}
/** One document, opened. The same object as long as the document means the same. */
export interface ComponentEntry {
  readonly document: ComponentDocument;
  readonly meaning: string;
  readonly loaded: ReadonlyArray<readonly [Kind, Loaded]>;
  readonly capabilities: readonly string[];
  /** Gives its ports back. */
  release(): Promise<void>;
}
export interface LoadDeps {
  readonly registry: Registry;
  readonly instances: Instances;
  readonly platform: Platform;
  /** Types refused by the Configuration (`type` or `type/version`). */
  readonly denied: ReadonlySet<string>;
  readonly meter?: Meter | undefined;
  /** A component that does not open ends the start, with the reason. */
  readonly endsStart?: boolean;
}

/** Opens what the app may see: secret stores first, then the rest, each in the order given. One failure does not stop the others. */
export async function loadComponents(
  app: AppRef,
  documents: readonly ComponentDocument[],
  deps: LoadDeps,
  before?: Components,
): Promise<Components> {
  const table = new Table();
  const { log } = deps.platform;
  const actorStore = chosenActorStore(documents, before);
  const said: Said = { app, log, before, endsStart: deps.endsStart === true };
  const isSecretStore = ({ spec }: ComponentDocument): boolean =>
    spec.type.startsWith("secretstores.");
  for (const first of [true, false]) {
    const opening = documents.filter((document) => isSecretStore(document) === first);
    // Side by side, since each may wait for its server; kept in order, since metadata lists them in order.
    const opened = await Promise.all(
      opening.map(
        async (document) =>
          secondActorStore(document, actorStore, before) ??
          reusable(document, table, before, deps) ??
          openOne(app, document, table, deps),
      ),
    );
    opened.forEach((result, i) => {
      const document = opening[i] as ComponentDocument;
      if ("entry" in result) return table.keep(result.entry);
      const former = before?.entries.get(document.name);
      const isRefused = isDenied(document, deps) || result instanceof SecondActorStoreError;
      if (result instanceof Error && former && !isRefused)
        return table.keepFormer(former, document, result.message, said);
      noteLoad(deps, document, result instanceof Error || table.names.has(document.name));
      if (result instanceof Error) table.fail(document, result.message, said);
      else if (table.names.has(document.name)) table.duplicate(document, result, said);
      else table.add(document, result);
    });
  }
  return table;
}

/** Entries of the one that the other does not have. */
export function entriesOnlyIn(of: Components, than: Components): readonly ComponentEntry[] {
  const there = new Set(than.entries.values());
  return [...of.entries.values()].filter((entry) => !there.has(entry));
}

function isDenied({ spec }: ComponentDocument, { denied }: LoadDeps): boolean {
  return denied.has(spec.type) || denied.has(`${spec.type}/${spec.version || "v1"}`);
}

/** What the document was already, where that still holds: it means the same, and so does the store of its secrets. */
function reusable(
  document: ComponentDocument,
  table: Table,
  before: Components | undefined,
  deps: LoadDeps,
): { readonly entry: ComponentEntry } | undefined {
  const entry = before?.entries.get(document.name);
  if (!entry || isDenied(document, deps) || entry.meaning !== meaningOf(document)) return undefined;
  const usesSecrets = document.spec.metadata.some(({ secretKeyRef }) => secretKeyRef);
  const store = document.secretStore ?? "kubernetes";
  if (usesSecrets && table.entries.get(store) !== before?.entries.get(store)) return undefined;
  return { entry };
}

interface Opened {
  readonly leases: readonly Lease[];
  readonly manifests: readonly Manifest[];
  readonly metadata: Metadata;
  readonly keyPrefix: string;
  readonly namespaceScoped: boolean;
  /** Of a state store whose values are to be encrypted. */
  readonly cipher: StateCipher | undefined;
}

async function openOne(
  app: AppRef,
  document: ComponentDocument,
  table: Table,
  deps: LoadDeps,
): Promise<Opened | Error> {
  const { name, spec } = document;
  const leases: Lease[] = [];
  const opening = openingLog(document, app, deps.platform);
  try {
    if (isDenied(document, deps))
      throw new Error(`component type ${spec.type} is denied by the configuration`);
    const manifests = wanted(deps.registry.find(spec.type, spec.version), document);
    const values = await valuesOf(app, document, table, deps.platform);
    const metadata = lowerNames(values);
    const prefix = keyPrefix(metadata["keyprefix"], name, app);
    const cipher = spec.type.startsWith("state.")
      ? await stateCipher(name, spec.metadata, metadata)
      : undefined;
    for (const manifest of manifests) {
      for (const warning of manifest.remote
        ? []
        : checkOptions(manifest.options, metadata, Object.keys(values)))
        deps.platform.log.warn(`Component ${name}: ${warning}`, { app_id: app.appId });
      const owner = { appId: app.appId, properties: values, initTimeoutMs: spec.initTimeoutMs };
      const common = { name, namespace: app.namespace, metadata };
      const given: ComponentSpec = manifest.remote ? { ...common, owner } : common;
      leases.push(await deps.instances.open(manifest, given, spec.initTimeoutMs));
    }
    opening.loaded();
    const namespaceScoped = spec.type.startsWith("pubsub.") && usesNamespace(spec.metadata);
    return { leases, manifests, metadata, keyPrefix: prefix, namespaceScoped, cipher };
  } catch (reason) {
    await Promise.all(leases.map((lease) => lease.release()));
    return new Error(messageOf(reason), { cause: reason });
  } finally {
    opening.end();
  }
}

/** A binding opens only the directions that its document wants. */
function wanted(manifests: readonly Manifest[], document: ComponentDocument): readonly Manifest[] {
  const direction = document.spec.metadata.find((pair) => pair.name.toLowerCase() === "direction");
  if (manifests.length < 2 || typeof direction?.value !== "string") return manifests;
  const directions = direction.value.split(",").map((text) => text.trim().toLowerCase());
  const kept = manifests.filter(({ kind }) => directions.includes(kind.replace("bindings.", "")));
  return kept.length > 0 ? kept : manifests;
}

/** The settings of a document, those of its secret store among `stores` included. */
export function valuesOf(
  app: AppRef,
  document: ComponentDocument,
  stores: Pick<Components, "get">,
  platform: Platform,
): Promise<Metadata> {
  return resolveValues(document.spec.metadata, {
    secret: (key, field) => secretOf(stores, document, key, field, platform),
    env: environmentOf(platform),
    app,
    uuid: () => crypto.randomUUID(),
  });
}

async function secretOf(
  stores: Pick<Components, "get">,
  document: ComponentDocument,
  name: string,
  key: string,
  { clock }: Platform,
): Promise<string | undefined> {
  const store = document.secretStore ?? "kubernetes";
  const found = stores.get("secretstores", store);
  if (!found)
    throw new Error(`secret store "${store}" is not loaded; name one in auth.secretStore`);
  const secret = await within(clock, secretTimeoutMs, {}, (options) =>
    found.port.get(name, {}, options),
  );
  return secret?.[key];
}
const secretTimeoutMs = 5000;

/** Who is told of what does not open; what was told before is not said again. */
interface Said {
  readonly app: AppRef;
  readonly log: Log;
  readonly before: Components | undefined;
  readonly endsStart: boolean;
}

class Table implements Components {
  readonly names = new Set<string>();
  readonly #kinds = new Map<Kind, Map<string, Loaded>>();
  readonly entries = new Map<string, ComponentEntry>();
  readonly faults: ReloadFault[] = [];
  readonly loaded: Array<Components["loaded"][number]> = [];
  readonly failed: Array<Components["failed"][number]> = [];

  get<K extends Kind>(kind: K, name: string): Loaded<K> | undefined {
    return this.#kinds.get(kind)?.get(name) as Loaded<K> | undefined;
  }
  has(kind: Kind): boolean {
    return this.#kinds.has(kind);
  }
  all<K extends Kind>(kind: K): ReadonlyArray<Loaded<K>> {
    return [...(this.#kinds.get(kind)?.values() ?? [])] as Array<Loaded<K>>;
  }
  add(document: ComponentDocument, opened: Opened): void {
    const { name, spec } = document;
    const { leases, metadata, keyPrefix: prefix, namespaceScoped } = opened;
    const common = { name, type: spec.type, version: spec.version || "v1" };
    const shared = { ...common, metadata, keyPrefix: prefix, namespaceScoped };
    const loaded = opened.manifests.map(({ kind }, i): readonly [Kind, Loaded] => {
      const { port } = leases[i] as Lease;
      return kind === "state"
        ? [kind, { ...shared, ...loadedStore(name, port as Kinds["state"], opened) }]
        : [kind, { ...shared, port }];
    });
    this.keep({
      document,
      meaning: meaningOf(document),
      loaded,
      capabilities: opened.manifests.flatMap(({ kind }, i) =>
        capabilitiesOf(kind, (leases[i] as Lease).port),
      ),
      release: async () => {
        await Promise.allSettled(leases.map((lease) => lease.release()));
      },
    });
  }
  keep(entry: ComponentEntry): void {
    const { name, spec } = entry.document;
    for (const [kind, loaded] of entry.loaded) {
      const of = this.#kinds.get(kind);
      if (of) of.set(name, loaded);
      else this.#kinds.set(kind, new Map([[name, loaded]]));
    }
    this.names.add(name);
    this.entries.set(name, entry);
    const { type, version } = spec;
    this.loaded.push({ name, type, version: version || "v1", capabilities: entry.capabilities });
  }
  /** A change that cannot be made leaves what was there before. */
  keepFormer(
    former: ComponentEntry,
    document: ComponentDocument,
    why: string,
    { app, log, before }: Said,
  ): void {
    const { name, origin } = document;
    this.faults.push({ kind: "Component", name, reason: why, file: origin.file });
    const isNews = !before?.faults.some((fault) => fault.name === name && fault.reason === why);
    log[isNews ? "error" : "debug"](
      `Cannot change component ${name}; the previous version stays in use: ${why}`,
      { app_id: app.appId, where: whereOf(document) },
    );
    this.keep(former);
  }
  fail(
    document: ComponentDocument,
    why: string,
    { app, log, before, endsStart }: Said,
    reason = failureOf(document, why),
  ): void {
    const { name, spec } = document;
    const { type, version, ignoreErrors: ignored } = spec;
    const where = whereOf(document);
    this.failed.push({ name, type, version: version || "v1", why, reason, where, ignored });
    const isNews = !before?.failed.some((former) => former.reason === reason);
    const fields = { app_id: app.appId, where };
    // Whoever started the process is told why it ends.
    if (endsStart && !spec.ignoreErrors) return;
    if (!isNews) log.debug(`Still cannot start a component: ${reason}`, fields);
    else if (spec.ignoreErrors)
      log.warn(`Ignoring a component that did not start: ${reason}`, fields);
    else log.error(`Cannot start a component: ${reason}`, fields);
  }
  duplicate(document: ComponentDocument, opened: Opened, said: Said): void {
    for (const lease of opened.leases) void lease.release();
    const { name, spec } = document;
    const existing = this.entries.get(name)?.document.spec ?? spec;
    const why = `duplicate definition of Component name ${name} (${typeOf(spec)}) with existing ${name} (${typeOf(existing)})`;
    this.fail(document, why, said, `${twiceDefined}${why}`);
  }
  async release(): Promise<void> {
    await Promise.allSettled([...this.entries.values()].map((entry) => entry.release()));
  }
}

/** In Dapr's words. */
function failureOf({ name, spec }: ComponentDocument, why: string): string {
  return why.startsWith(wrongCategory)
    ? why
    : `[INIT_COMPONENT_FAILURE]: initialization error occurred for ${name} (${typeOf(spec)}): ${why}`;
}

function typeOf({ type, version }: ComponentDocument["spec"]): string {
  return `${type}/${version || "v1"}`;
}
