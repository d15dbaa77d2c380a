import type { CallOptions, Component, Metadata } from "./component.ts";

export interface ConfigurationItem {
  /** Empty, as the version, where an item has been deleted. */
  readonly value: string;
  readonly version: string;
  readonly metadata: Metadata;
}
/** By key. */
export type ConfigurationItems = Readonly<Record<string, ConfigurationItem>>;

/** Settings that others write and apps read. */
export interface ConfigurationStore extends Component {
  /** The items that are there, those without a value left out; no keys means all. Rejects for more than can be held in memory. */
  get(
    keys: readonly string[],
    metadata: Metadata,
    options: CallOptions,
  ): Promise<ConfigurationItems>;
  /**
   * Resolves once changes are seen; reports them until the signal fires. No keys means all. A key that changes
   * while it is being reported is reported once more afterwards, as it is then. `changed` never rejects.
   * Absent where the store cannot tell.
   */
  watch?(
    keys: readonly string[],
    metadata: Metadata,
    changed: (items: ConfigurationItems) => Promise<void>,
    options: CallOptions,
  ): Promise<void>;
}
