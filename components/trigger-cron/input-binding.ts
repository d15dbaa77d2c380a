import type { InputBinding } from "#core/ports/bindings.ts";
import type { ComponentSpec } from "#core/ports/manifest.ts";

/** Counts no time itself: when the platform's trigger fires, the target delivers the event. */
export function open({ metadata }: ComponentSpec): InputBinding {
  if ((metadata["schedule"] ?? "").trim() === "")
    throw new Error("schedule not set; give the platform trigger's cron expression");
  return { listen: async () => {}, [Symbol.asyncDispose]: async () => {} };
}
