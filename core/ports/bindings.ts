import type { CallOptions, Component, Data, Metadata } from "./component.ts";

/** An event of an input binding, a request to an output binding, or the response to either. */
export interface BindingData {
  /** `undefined` if there is no payload. */
  readonly data?: Data;
  readonly metadata: Metadata;
  /** Media type of the data in a response; `undefined` means JSON. */
  readonly contentType?: string;
}

/** Delivers events from an external system to the app (`bindings.*` components, input). */
export interface InputBinding extends Component {
  /**
   * Starts to deliver events. Resolves when events are being delivered, and continues to deliver
   * them until the signal fires.
   *
   * @param deliver Hands an event to the app. Resolves when the app has handled it, with the app's
   *   response, or with `undefined` if there is none. Rejects if the event must be delivered again.
   * @throws {Error} if the binding cannot start; the message tells users what to change.
   */
  listen(
    deliver: (event: BindingData, options: CallOptions) => Promise<BindingData | undefined>,
    options: CallOptions,
  ): Promise<void>;
}

/** Calls an external system for the app (`bindings.*` components, output). */
export interface OutputBinding extends Component {
  /** Names of the operations that `invoke` accepts, for example `create` and `get`. */
  readonly operations: readonly string[];
  /**
   * Performs one operation. Resolves with the response, or with `undefined` if there is none.
   *
   * @throws {ComponentError} if the operation fails. If the error has `metadata`, the caller still
   *   gets that metadata.
   */
  invoke(
    operation: string,
    request: BindingData,
    options: CallOptions,
  ): Promise<BindingData | undefined>;
}
