import type { ConfigurationStore } from "./configuration-store.ts";
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

/** Kind of component -> the port it implements. The whole list; nothing else is pluggable. */
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
}
export type Kind = keyof Kinds;
export type Target = "node" | "workers" | "azure-functions";

/** All a component may take from outside: no globals, no environment. */
export interface Host {
  readonly clock: Clock;
  readonly log: Log;
  /** For questions of the component's own. */
  readonly fetch: typeof fetch;
  /** For calls that are made for an app; see `Platform`. */
  readonly send?: SendOutside;
  sendWith?(tls: ClientTls): SendOutside;
  /** The runtime's environment, tokens left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A binding of the platform (Workers: `env.NAME`); `undefined` where there is none. */
  binding(name: string): unknown;
}
/** A component as its document describes it: secrets resolved, templates filled in, names in lower case. */
export interface ComponentSpec {
  readonly name: string;
  readonly namespace: string;
  /** Values by lower-cased name; Dapr compares metadata names without case. */
  readonly metadata: Metadata;
  /** Whose component it is; only for manifests that are `remote`. */
  readonly owner?: ComponentOwner;
}
/** What a component in a process of its own is told beside its settings. */
export interface ComponentOwner {
  readonly appId: string;
  /** The values once more, by name as the document spells it: such a component may compare names with case. */
  readonly properties: Metadata;
  /** How long the component may take to start. */
  readonly initTimeoutMs: number;
}

/** A component's card. Importing it loads no client library; `open` does. */
export interface Manifest<K extends Kind = Kind> {
  readonly kind: K;
  /** As in a Component document, for example `state.redis`. */
  readonly type: string;
  readonly aliases?: readonly string[];
  readonly version: string;
  readonly targets: readonly Target[];
  /** What the component is, in one sentence, for the generated documents. */
  readonly about: string;
  readonly options: OptionTable;
  /** The component is a process of its own: it has settings that `options` does not list, and an instance for each app. */
  readonly remote?: true;
  /** Connects. Throws with a reason a user can act on. */
  readonly open: (spec: ComponentSpec, host: Host) => Promise<Kinds[K]>;
}
export interface OptionSpec {
  readonly type: "string" | "number" | "boolean" | "duration";
  readonly required?: true;
  readonly sensitive?: true;
  readonly default?: string;
  readonly about: string;
}
/** By the name as documents spell it. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

export function defineComponent<K extends Kind>(manifest: Manifest<K>): Manifest<K> {
  return manifest;
}
