import type { CallOptions, Component } from "./component.ts";
import type { AppRef } from "./platform.ts";

/** The address at which other runtimes reach the runtime that hosts an app. */
export interface Announcement extends AppRef {
  /** IP address or host name. */
  readonly host: string;
  /** Port of the runtime's internal server. */
  readonly port: number;
}

/** Finds apps that other runtime processes host (`nameresolution.*` components). */
export interface NameResolver extends Component {
  /**
   * Makes a hosted app known to other runtimes until the resolver is disposed.
   *
   * @throws {Error} if other runtimes could not find the app.
   */
  announce(app: Announcement): Promise<void>;
  /**
   * Returns `host:port` of a runtime that hosts the app. If several do, each call can return a
   * different one.
   *
   * @throws {Error} if no runtime hosts the app. The message is sent to the caller.
   */
  resolve(app: AppRef, options: CallOptions): Promise<string>;
  /**
   * Reports that an address did not respond, so that a cached result is not used again. Absent if
   * the resolver does not cache.
   */
  forget?(app: AppRef, address: string): void;
}
