import type { ConfigurationItem, ConfigurationItems } from "#core/ports/configuration-store.ts";

/** Items as HTTP shows them: what is empty is left out. */
export function jsonItems(items: ConfigurationItems): Readonly<Record<string, object>> {
  return Object.fromEntries(Object.entries(items).map(([key, item]) => [key, jsonItem(item)]));
}

function jsonItem({ value, version, metadata }: ConfigurationItem): object {
  return {
    ...(value === "" ? {} : { value }),
    ...(version === "" ? {} : { version }),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}
