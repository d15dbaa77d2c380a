import type { CallOptions, Component, Metadata } from "./component.ts";

export type Secret = Readonly<Record<string, string>>;
export interface SecretStore extends Component {
  /** `undefined` where the store has no such secret. */
  get(name: string, metadata: Metadata, options: CallOptions): Promise<Secret | undefined>;
  list?(metadata: Metadata, options: CallOptions): Promise<Readonly<Record<string, Secret>>>;
}
