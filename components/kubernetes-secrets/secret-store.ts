import { optionsOf } from "#components/_shared/options.ts";
import { ComponentError, messageOf } from "#core/errors/component-error.ts";
import type { Metadata } from "#core/ports/component.ts";
import type { ComponentSpec, Host } from "#core/ports/manifest.ts";
import type { Secret, SecretStore } from "#core/ports/secret-store.ts";
import { secrets as manifest } from "./manifest.ts";
import { readerBinding, type SecretReader } from "./reader.ts";

/** A reader of this component's own has a connection to close. */
type OwnReader = SecretReader & AsyncDisposable;

export async function open(spec: ComponentSpec, host: Host): Promise<SecretStore> {
  const options = optionsOf(spec, manifest.options);
  const namespace = ownNamespace(spec.namespace, options.text("defaultNamespace") ?? "");
  const given = host.binding(readerBinding);
  const path = options.text("kubeconfigPath");
  if (isReader(given)) {
    // The file would be one of the node's, which a document of a namespace must not reach.
    if (path !== undefined)
      throw new Error("kubeconfigPath cannot be used here: the node runtime reads Secrets itself");
    return secretStore(given, namespace);
  }
  const { openReader } = await import("./open-reader.ts");
  const own: OwnReader = await openReader({ kubeconfigPath: path, env: host.env });
  return {
    ...secretStore(own, namespace),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

function secretStore(reader: SecretReader, namespace: string): SecretStore {
  return {
    get: async (name, metadata, { signal }) => {
      refuseOthers(namespace, metadata);
      refuseName(name);
      let found: Awaited<ReturnType<SecretReader["get"]>>;
      try {
        found = await reader.get(namespace, name, { signal });
      } catch (reason) {
        signal.throwIfAborted();
        throw failureOf(reason, namespace, name);
      }
      // Dapr: for this store a secret that is not there is a failure; the text is the API server's.
      if (!found) throw new ComponentError("rejected", `secrets ${JSON.stringify(name)} not found`);
      return textsOf(found);
    },
    // No `list`: it takes the verb `list`, and with that the values of every Secret at once.
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Dapr: the environment's NAMESPACE, which is the app's, counts before `defaultNamespace`. */
function ownNamespace(own: string, fallback: string): string {
  if (own === "" && fallback === "")
    throw new Error(
      "namespace is missing: neither NAMESPACE in the environment nor defaultNamespace is set",
    );
  if (own !== "" && fallback !== "" && own !== fallback)
    throw new Error(
      `defaultNamespace is ${JSON.stringify(fallback)}, which is not the app's namespace ${JSON.stringify(own)}; Secrets of other namespaces cannot be read`,
    );
  return own || fallback;
}

function refuseOthers(own: string, metadata: Metadata): void {
  const asked = metadata["namespace"];
  if (asked !== undefined && asked !== "" && asked !== own)
    throw new ComponentError(
      "rejected",
      `metadata "namespace" is ${JSON.stringify(asked)}; only Secrets of the app's own namespace ${JSON.stringify(own)} can be read`,
    );
}

/** What Kubernetes calls a name stands in a path: nothing else may get there. */
function refuseName(name: string): void {
  if (name.length > 253 || !/^[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?$/i.test(name))
    throw new ComponentError(
      "rejected",
      `invalid secret name ${JSON.stringify(name.slice(0, 260))}: a Secret's name has lower-case letters, digits, "-" and "."`,
    );
}

function failureOf(reason: unknown, namespace: string, name: string): ComponentError {
  if (ComponentError.is(reason)) return reason;
  const code = codeOf(reason);
  const cause = { cause: reason };
  if (code === 403)
    return new ComponentError(
      "rejected",
      `the runtime cannot read Secret ${JSON.stringify(name)}: namespace ${JSON.stringify(namespace)} has no RoleBinding for it; add the namespace to secrets.namespaces of the chart, or bind a Role with the verb "get" for secrets to the runtime's service account`,
      cause,
    );
  if (code === 0 || code === 429 || (code !== undefined && code >= 500))
    return new ComponentError("unavailable", messageOf(reason), cause);
  return new ComponentError("rejected", messageOf(reason), cause);
}

/** The API's status, where the failure carries one; across processes only plain fields are left of a `KubeError`. */
function codeOf(reason: unknown): number | undefined {
  if (typeof reason !== "object" || reason === null || !("code" in reason)) return undefined;
  return typeof reason.code === "number" ? reason.code : undefined;
}

/** Dapr hands bytes on as text; what is not valid UTF-8 becomes replacement characters in the answer. */
function textsOf(values: Readonly<Record<string, Uint8Array>>): Secret {
  return Object.fromEntries(
    Object.entries(values).map(([key, bytes]) => [key, decoder.decode(bytes)]),
  );
}
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function isReader(value: unknown): value is SecretReader {
  return (
    typeof value === "object" && value !== null && "get" in value && typeof value.get === "function"
  );
}
