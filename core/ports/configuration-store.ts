import type { CallOptions, Component, Metadata } from "./component.ts";

/** The value of a configuration key; see `ConfigurationItem` in Dapr's API. */
export interface ConfigurationItem {
  /** Empty if the item was deleted. */
  readonly value: string;
  /** Version of the value, in the store's own form; empty if the item was deleted. */
  readonly version: string;
  readonly metadata: Metadata;
}
/** Items by key. */
export type ConfigurationItems = Readonly<Record<string, ConfigurationItem>>;

/** A store of settings that apps read and other programs write (`configuration.*` components). */
export interface ConfigurationStore extends Component {
  /**
   * Reads the items with these keys. Keys without a value are omitted from the result. An empty
   * list of keys means all keys.
   *
   * @throws {Error} if the store cannot be read, or if there are more items than fit in memory.
   */
  get(
    keys: readonly string[],
    metadata: Metadata,
    options: CallOptions,
  ): Promise<ConfigurationItems>;
  /**
   * Reports changes of these keys until the signal fires. Resolves when changes are being observed.
   * An empty list of keys means all keys. A key that changes while it is being reported is reported
   * once more afterwards, with its latest value. Absent if the store cannot report changes.
   *
   * @param changed Receives the changed items. Never rejects.
   * @throws {Error} if the store cannot observe these keys.
   */
  watch?(
    keys: readonly string[],
    metadata: Metadata,
    changed: (items: ConfigurationItems) => Promise<void>,
    options: CallOptions,
  ): Promise<void>;
}
