import type { App } from "./app.ts";

/**
 * Returns the message for a call on a component that did not start; `undefined` if the app has no
 * such component.
 */
export function whyNotStarted(
  { components: { failed } }: Pick<App, "components">,
  category: string,
  name: string,
): string | undefined {
  const found = failed.find((each) => each.name === name && each.type.startsWith(`${category}.`));
  return found && `component ${name} (${found.type}/${found.version}) did not start: ${found.why}`;
}
