import { RefusedQuestionError, type SupervisorLink } from "./supervisor-link.ts";

/** Reads Secrets through the supervisor. */
export interface Secrets {
  /** Values by name; `undefined` where there is no such Secret. Rejects with what the API server said. */
  get(
    namespace: string,
    name: string,
    options: { readonly signal: AbortSignal },
  ): Promise<Readonly<Record<string, Uint8Array>> | undefined>;
  /** The value `token` of a Secret, as Dapr's annotations mean it. */
  token(namespace: string, name: string, signal: AbortSignal): Promise<string>;
}

export function readsSecrets(link: Pick<SupervisorLink, "ask">): Secrets {
  const get: Secrets["get"] = async (namespace, name, { signal }) => {
    const values = await link.ask("secret", { namespace, name }, signal);
    return (
      values &&
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, Buffer.from(value, "base64")]),
      )
    );
  };
  return {
    get,
    token: async (namespace, name, signal) => {
      const values = await get(namespace, name, { signal }).catch((reason: unknown) => {
        const why = reason instanceof RefusedQuestionError ? reason.message : String(reason);
        throw new Error(`Cannot read Secret "${name}": ${why}`, { cause: reason });
      });
      if (!values) throw new Error(`There is no Secret "${name}"`);
      const token = Buffer.from(values["token"] ?? [])
        .toString("utf8")
        .trim();
      // An empty one would be none.
      if (token === "") throw new Error(`Secret "${name}" has no key "token", or an empty one`);
      return token;
    },
  };
}
