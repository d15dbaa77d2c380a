import type { CallOptions } from "#core/ports/component.ts";

/** Reads one Secret by name. On a node the supervisor does it for the processes of the groups, which have no rights of their own. */
export interface SecretReader {
  /**
   * Every key of the Secret; `undefined` where there is none. Rejects with what carries the API's status as
   * `code` (403: no right), or with a reason a user can act on.
   */
  get(
    namespace: string,
    name: string,
    options: CallOptions,
  ): Promise<Readonly<Record<string, Uint8Array>> | undefined>;
}

/** `host.binding` gives a `SecretReader` by this name where the target has one. */
export const readerBinding = "kubernetes.secrets";
