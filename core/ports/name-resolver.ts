import type { CallOptions, Component } from "./component.ts";
import type { AppRef } from "./platform.ts";

/** Where the runtime that hosts an app can be reached. */
export interface Announcement extends AppRef {
  /** IP address or host name. */
  readonly host: string;
  /** Of the runtime's internal server. */
  readonly port: number;
}

/** Tells runtime processes where the apps are that others host. */
export interface NameResolver extends Component {
  /** Makes a hosted app known for as long as the resolver lives. Rejects when others could not find it. */
  announce(app: Announcement): Promise<void>;
  /** `host:port` of a runtime that hosts the app; another call may name another one. Rejects, in words for the caller, when nobody does. */
  resolve(app: AppRef, options: CallOptions): Promise<string>;
  /** The address did not answer: what is remembered of it is not to be trusted. */
  forget?(app: AppRef, address: string): void;
}
