import type { ConfigurationStore } from "./configuration-store.ts";
import type { Coordination } from "./coordination.ts";
import type { Conversation } from "./conversation.ts";
import type { InputBinding, OutputBinding } from "./bindings.ts";
import type { HttpMiddleware } from "./http-middleware.ts";
import type { Metadata } from "./component.ts";
import type { CryptoProvider } from "./crypto-provider.ts";
import type { LockStore } from "./lock-store.ts";
import type { NameResolver } from "./name-resolver.ts";
import type { ClientTls, Clock, Log, SendOutside } from "./platform.ts";
import type { PubSub } from "./pub-sub.ts";
import type { SecretStore } from "./secret-store.ts";
import type { StateStore } from "./state-store.ts";

/** The kinds of components and the port of each. Nothing else is pluggable. */
export interface Kinds {
  readonly state: StateStore;
  readonly pubsub: PubSub;
  readonly "bindings.input": InputBinding;
  readonly "bindings.output": OutputBinding;
  readonly secretstores: SecretStore;
  readonly configuration: ConfigurationStore;
  readonly lock: LockStore;
  readonly conversation: Conversation;
  readonly nameresolution: NameResolver;
  readonly crypto: CryptoProvider;
  readonly "middleware.http": HttpMiddleware;
  /** No resource names it: `--coordination` does, or the actor state store. */
  readonly coordination: Coordination;
}
export type Kind = keyof Kinds;
/** The platforms that a component can run on. */
export type Target = "node" | "workers" | "azure-functions";

/**
 * Everything that a component may use from outside. Components do not use globals or the process
 * environment.
 */
export interface Host {
  readonly clock: Clock;
  readonly log: Log;
  /** For the component's own requests. */
  readonly fetch: typeof fetch;
  /** For requests on behalf of an app; see `Platform.send`. */
  readonly send?: SendOutside;
  /** See `Platform.sendWith`. */
  sendWith?(tls: ClientTls): SendOutside;
  /** The runtime's environment variables, without tokens. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Returns a binding of the platform (Workers: `env.NAME`); `undefined` if it does not exist.
   */
  binding(name: string): unknown;
}
/** A Component resource with its secrets resolved and its templates filled in. */
export interface ComponentSpec {
  /** `metadata.name` of the resource. */
  readonly name: string;
  /** Namespace of the app that the component is opened for; empty if it has none. */
  readonly namespace: string;
  /**
   * The values in `spec.metadata`, by lower-case name, because Dapr ignores the case of metadata
   * names.
   */
  readonly metadata: Metadata;
  /** The app that owns the component. Present only for manifests that are `remote`. */
  readonly owner?: ComponentOwner;
}
/** What a component in a separate process receives in addition to its settings. */
export interface ComponentOwner {
  readonly appId: string;
  /**
   * The same values by name as the resource spells it, because such a component may be
   * case-sensitive.
   */
  readonly properties: Metadata;
  /** Timeout for starting the component, in milliseconds (`spec.initTimeout`). */
  readonly initTimeoutMs: number;
}

/**
 * Describes a component. Importing a manifest does not load the client library; `open` does.
 */
export interface Manifest<K extends Kind = Kind> {
  readonly kind: K;
  /** `spec.type` of a Component resource, for example `state.redis`. */
  readonly type: string;
  /** Other values of `spec.type` for the same component. */
  readonly aliases?: readonly string[];
  /** `spec.version` of a Component resource, for example `v1`. */
  readonly version: string;
  readonly targets: readonly Target[];
  /** What the component does, in one sentence, for the generated documentation. */
  readonly about: string;
  readonly options: OptionTable;
  /**
   * True if the component is a separate process. It has settings that `options` does not list, and
   * one instance per app.
   */
  readonly remote?: true;
  /**
   * Connects to the technology and returns the port.
   *
   * @throws {Error} if the component cannot start; the message tells users what to change.
   */
  readonly open: (spec: ComponentSpec, host: Host) => Promise<Kinds[K]>;
}
/** A setting in `spec.metadata` of a Component resource. */
export interface OptionSpec {
  readonly type: "string" | "number" | "boolean" | "duration";
  /** True if the component does not start without it. */
  readonly required?: true;
  /** True if the value must not be logged. */
  readonly sensitive?: true;
  /** The value if the resource does not set one, as a user would write it. */
  readonly default?: string;
  /**
   * What the setting does, in one sentence. It is part of the documentation, and of the message
   * that a required setting is missing.
   */
  readonly about: string;
}
/** Settings by name as resources spell it. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** Returns the manifest unchanged; infers its kind. */
export function defineComponent<K extends Kind>(manifest: Manifest<K>): Manifest<K> {
  return manifest;
}
