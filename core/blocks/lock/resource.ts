import type { App, Loaded } from "#core/kernel/app.ts";

const separator = "||";

/** The resource as the store knows it, by the component's `keyPrefix`: its words are not quite those of state. Throws for a text that could stand for another resource. */
export function storedResource(
  { name, metadata }: Pick<Loaded, "name" | "metadata">,
  { appId }: Pick<App, "appId">,
  resource: string,
): string {
  // Dapr: in lower case even where the prefix is taken literally.
  const strategy = (metadata["keyprefix"] ?? "appid").toLowerCase();
  for (const text of [resource, strategy])
    if (text.includes(separator))
      throw new Error(`input key/keyPrefix '${text}' can't contain '${separator}'`);
  return ["lock", ...prefix(strategy, name, appId), resource].join(separator);
}

function prefix(strategy: string, name: string, appId: string): readonly string[] {
  switch (strategy) {
    case "appid":
      return [appId];
    case "name":
      return [name];
    case "none":
      return [];
    default:
      return [strategy];
  }
}
