import { defineComponent, type Manifest } from "#core/ports/manifest.ts";

export const input: Manifest<"bindings.input"> = defineComponent({
  kind: "bindings.input",
  type: "bindings.cron",
  version: "v1",
  targets: ["node"],
  about: "Calls the app on a schedule that each replica keeps for itself, so every replica fires.",
  options: {
    schedule: {
      type: "string",
      required: true,
      about:
        "Five cron fields (or six, with seconds first), @hourly, @daily, @weekly, @monthly, @yearly, or @every with a duration of at least a second (@every 1h30m), optionally preceded by TZ=Area/City, which replaces the machine's time zone.",
    },
  },
  open: async (spec, host) => (await import("./input-binding.ts")).open(spec, host),
});
