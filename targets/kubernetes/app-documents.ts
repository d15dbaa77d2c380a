import type { Documents } from "#core/hosting/reload/documents.ts";
import { mergeConfigurations } from "#core/resources/configuration.ts";
import {
  builtInSecretStore,
  configurationOf,
  type ReadObjects,
} from "#k8s/operator/to-resources.ts";

export interface DocumentsOwner {
  readonly namespace: string;
  /** Name of its Configuration; empty: none. */
  readonly config: string;
  readonly hasBuiltInStore: boolean;
}

/** What the objects of a namespace are to one app: those of all, its own Configuration, and the built-in secret store. */
export function appDocuments(
  { resources, unread }: ReadObjects,
  { namespace, config, hasBuiltInStore }: DocumentsOwner,
): Documents & { readonly hasConfiguration: boolean } {
  const own = resources.filter(({ kind }) => kind !== "Configuration");
  const isReplaced = own.some(({ kind, name }) => kind === "Component" && name === "kubernetes");
  const configuration = configurationOf(resources, config);
  return {
    resources: hasBuiltInStore && !isReplaced ? [builtInSecretStore(namespace), ...own] : own,
    configuration: configuration ?? mergeConfigurations([]),
    hasConfiguration: configuration !== undefined,
    unread,
  };
}
