import type { CallOptions, Component, Data, Metadata } from "./component.ts";

export interface BindingData {
  readonly data?: Data;
  readonly metadata: Metadata;
  /** Media type of an answer; JSON when absent. */
  readonly contentType?: string;
}

export interface InputBinding extends Component {
  /** Resolves once events flow; hands each over and waits for the app, until the signal fires. `deliver` rejects when the event must come again. */
  listen(
    deliver: (event: BindingData, options: CallOptions) => Promise<BindingData | undefined>,
    options: CallOptions,
  ): Promise<void>;
}

export interface OutputBinding extends Component {
  readonly operations: readonly string[];
  /** Throws `ComponentError`; one with `metadata` still sends that metadata to the caller. */
  invoke(
    operation: string,
    request: BindingData,
    options: CallOptions,
  ): Promise<BindingData | undefined>;
}
