import type { Loaded } from "#core/kernel/app.ts";
import type { AppRef } from "#core/ports/platform.ts";

export type TopicAccess = "publish" | "subscribe";
const scopeNames = { publish: "publishingscopes", subscribe: "subscriptionscopes" } as const;

/** Whether the app may publish to the topic, or subscribe to it, by the component's topic lists. */
export function mayUseTopic(
  access: TopicAccess,
  topic: string,
  { metadata }: Pick<Loaded, "metadata">,
  { appId }: Pick<AppRef, "appId">,
): boolean {
  const allowed = metadata["allowedtopics"];
  if (allowed && !listOf(allowed).includes(topic)) return false;
  const scopes = metadata[scopeNames[access]];
  const own = scopes ? topicsOf(scopes, appId) : [];
  const protectedTopics = metadata["protectedtopics"];
  if (own.length === 0 && !(protectedTopics && listOf(protectedTopics).includes(topic)))
    return true;
  return own.includes(topic);
}

function listOf(text: string): readonly string[] {
  return text.replaceAll(" ", "").split(",");
}

/** `app1=a,b;app2=c`. Dapr: `app1=` names the empty topic, so nothing is left open to app1. */
function topicsOf(scopes: string, appId: string): readonly string[] {
  const topics: string[] = [];
  for (const scope of scopes.replaceAll(" ", "").split(";")) {
    const [app, list] = scope.split("=");
    if (app === appId && list !== undefined) topics.push(...list.split(","));
  }
  return topics;
}
