import type { App } from "#core/kernel/app.ts";
import type { ComponentReport } from "../messages.ts";

/** How each of the app's components fares. */
export function componentReports({
  components: { loaded, failed },
}: Pick<App, "components">): readonly ComponentReport[] {
  return [
    ...loaded.map(({ name }) => ({ name, isReady: true, message: "" })),
    ...failed.map(({ name, reason }) => ({ name, isReady: false, message: reason })),
  ];
}
