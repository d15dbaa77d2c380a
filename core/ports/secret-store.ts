import type { CallOptions, Component, Metadata } from "./component.ts";

/** The values of a secret, by key. */
export type Secret = Readonly<Record<string, string>>;
/** A store of secrets (`secretstores.*` components). */
export interface SecretStore extends Component {
  /**
   * Reads a secret. Resolves with `undefined` if the store does not have it; as in Dapr, some
   * stores reject instead.
   *
   * @throws {Error} if the store cannot be read.
   */
  get(name: string, metadata: Metadata, options: CallOptions): Promise<Secret | undefined>;
  /**
   * Reads all secrets, by name. Absent if the store cannot list its secrets.
   *
   * @throws {Error} if the store cannot be read.
   */
  list?(metadata: Metadata, options: CallOptions): Promise<Readonly<Record<string, Secret>>>;
}
