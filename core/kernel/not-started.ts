import type { App } from "./app.ts";

/** What a call on a component is told that the app would have, had it started; `undefined` where there is no such component. */
export function whyNotStarted(
  { components: { failed } }: Pick<App, "components">,
  category: string,
  name: string,
): string | undefined {
  const found = failed.find((each) => each.name === name && each.type.startsWith(`${category}.`));
  return found && `component ${name} (${found.type}/${found.version}) did not start: ${found.why}`;
}
